#!/bin/bash
# Stand-in for start-notebook.sh of the Jupyter Docker Stacks: what follows goes to the notebook.
set -e
exec jupyter notebook "$@"
