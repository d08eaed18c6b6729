"""Drivers to start from of the roles that deal out what there is: pages, frames, a capacity. In Python."""

__all__ = ["PAGES"]

PAGES = {
    "allocator": '''\
class Allocator:
    """The lowest pages that are free in the banks of a tenant; page p lies in bank p mod `banks`."""

    def __init__(self, pages, banks, colors, quotas):
        self.banks, self.colors, self.quotas = banks, colors, quotas
        self.owners = [None] * pages

    def allocate(self, tenant, pages):
        """Return so many pages for a tenant (0, 1, ...), all or none: None where its colour or quota is full."""
        free = [page for page, owner in enumerate(self.owners) if owner is None and self.is_mine(tenant, page)]
        if len(free) < pages or self.owners.count(tenant) + pages > self.quotas[tenant]:
            return None
        for page in free[:pages]:
            self.owners[page] = tenant
        return free[:pages]

    def is_mine(self, tenant, page):
        return self.colors[tenant] >> page % self.banks & 1

    def free(self, tenant, pages):
        """Take pages back; anything that the tenant does not have is refused, and changes nothing."""
        if any(self.owners[page] != tenant for page in pages) or len(set(pages)) < len(pages):
            return False
        for page in pages:
            self.owners[page] = None
        return True
''',
    "cache": '''\
class Cache:
    """The page that was used least recently goes, whosever it is; what is pinned stays. The policy is lru."""

    def __init__(self, frames, floors):
        self.frames, self.floors = frames, floors  # lru has no use for floors; lru-floor and resident have
        self.pages = {}  # in the order of their last use; whether each is pinned

    def touch(self, tenant, page):
        """Return whether a page is resident; if so, it is now the one used last."""
        if (tenant, page) not in self.pages:
            return False
        self.pages[tenant, page] = self.pages.pop((tenant, page))
        return True

    def insert(self, tenant, page):
        """Bring in a page. Return the (tenant, page) that went for it, None if none had to, or False: refused."""
        victim = None
        if len(self.pages) >= self.frames:
            victim = next((each for each, pinned in self.pages.items() if not pinned), None)
            if victim is None:
                return False
            del self.pages[victim]
        self.pages[tenant, page] = False
        return victim

    def evict(self, tenant, page):
        """Let a resident page go; one that is pinned is refused."""
        if self.pages[tenant, page]:
            return False
        del self.pages[tenant, page]
        return True

    def pin(self, tenant, page):
        """Let a resident page stay until it is unpinned."""
        self.pages[tenant, page] = True

    def unpin(self, tenant, page):
        """Let a pinned page go again."""
        self.pages[tenant, page] = False
''',
    "admission": '''\
import threading


class Admission:
    """One sum behind one lock: what is checked is still so when it is taken."""

    def __init__(self, capacity):
        self.capacity, self.held, self.lock = capacity, {}, threading.Lock()

    def request(self, tenant, amount):
        """Return whether `amount` more is admitted for a tenant (0, 1, ...)."""
        with self.lock:
            if amount <= 0 or sum(self.held.values()) + amount > self.capacity:
                return False
            self.held[tenant] = self.held.get(tenant, 0) + amount
            return True

    def release(self, tenant, amount):
        """Give back what the tenant has; more than that is refused, and changes nothing."""
        with self.lock:
            if not 0 < amount <= self.held.get(tenant, 0):
                return False
            self.held[tenant] -= amount
            return True
''',
}
