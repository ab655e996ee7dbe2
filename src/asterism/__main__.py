"""``python -m asterism``: the command, where its script is not on the path."""

from asterism.cli.main import main

main()
