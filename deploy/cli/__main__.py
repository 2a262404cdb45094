"""`python -m deploy.cli`: how our own processes are started, whatever the PATH."""

from deploy.cli import main

main()
