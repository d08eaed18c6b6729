"""A policy as the command line names it: one of headgate's by its name, or the user's own as `package.module:NAME`."""

from headgate.model.arbiters import Policy
from headgate.spec.loading import load_object

__all__ = ["named_policy"]


def named_policy(text: str) -> str | Policy:
    """Return the policy of `package.module:NAME`, under that name, and any other text as it is.

    InputError where there is no such object, or no policy can be made of it.
    """
    if ":" not in text:
        return text
    from headgate.model.arbiters.own import policy_of

    return policy_of(load_object(text), text)
