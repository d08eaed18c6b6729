"""The judge of recordings: did this run keep the contracts? `judging` puts the parts together."""
