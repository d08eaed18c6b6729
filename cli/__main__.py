"""`python -m headgate.cli` is `headgate`."""

from headgate.cli.start import main

main()
