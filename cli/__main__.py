"""`python -m headgate.cli` is `headgate`."""

from headgate.cli.main import main

main()
