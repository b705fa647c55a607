"""The way in from the shell script `dev`."""

import sys
from pathlib import Path

# Run by path and with -I, so that no PYTHONPATH of somebody's own can put another `tools` before ours.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.dev.cli import main

sys.exit(main(sys.argv[1:]))
