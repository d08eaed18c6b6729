"""Every mutant of the model, one file a group of mechanisms. `MUTANTS` lists them all."""

from headgate.tests.mutants import arbiters, fq_codel, operator, policing, server, steps
from headgate.tests.mutants.mutant import Mutant

__all__ = ["MUTANTS", "Mutant"]

MUTANTS = (*policing.MUTANTS, *arbiters.MUTANTS, *fq_codel.MUTANTS, *server.MUTANTS, *operator.MUTANTS, *steps.MUTANTS)
