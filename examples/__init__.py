"""Contract files and recordings to try the commands on."""
