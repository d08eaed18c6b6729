"""Every mutant of the model, one file a group of mechanisms. `MUTANTS` lists them all."""

from headgate.tests.mutants import arbiters, memory_eviction, operator, policing, server
from headgate.tests.mutants.mutant import Mutant

__all__ = ["MUTANTS", "Mutant"]

MUTANTS = (*policing.MUTANTS, *arbiters.MUTANTS, *server.MUTANTS, *operator.MUTANTS, *memory_eviction.MUTANTS)
