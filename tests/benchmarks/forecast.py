"""Speed and accuracy of the forecast wing beside its peers, each measured in the same run.

    python tests/benchmarks/forecast.py accuracy
    python tests/benchmarks/forecast.py curves
    python tests/benchmarks/forecast.py distribution
    python tests/benchmarks/forecast.py pipeline
    python tests/benchmarks/forecast.py planning

Each subject is a module of its own beside this one. Peers that are not installed are skipped, and said to be.
"""

import argparse
import importlib
import sys
from pathlib import Path

COMMANDS = ("accuracy", "curves", "distribution", "pipeline", "planning")


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parent))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in COMMANDS:
        room = importlib.import_module(f"_{name}")
        command = commands.add_parser(name, help=room.__doc__)
        room.options(command)
        command.set_defaults(run=room.run)
    chosen = parser.parse_args()
    chosen.run(chosen)


if __name__ == "__main__":
    main()
