"""Every docstring example, with all doors to the outside shut and assertions off.

One run in a fresh interpreter covers four promises: no network, process or file for writing is opened; the
global generators of numpy and of Python are neither used nor moved; results do not hang on ``assert``
(``python -O``); and nothing is printed or warned of but what the example shows.
"""

import json
import subprocess
import sys

import house

CODE = """
import json, os, random, sys, warnings
sys.path.insert(0, "tests/guards")
warnings.simplefilter("error")
try:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.font_manager, matplotlib.pyplot
except ImportError:
    pass
import numpy, house
house.public_modules()
house.docstring_examples()
opened = []
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
DOORS = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.mkdir",
         "os.remove", "os.rename", "shutil.", "urllib.", "ftplib.", "smtplib.", "http.")

def watch(event, args):
    written = event == "open" and isinstance(args[2], int) and args[2] & WRITING
    if written or event.startswith(DOORS):
        opened.append(f"{event} {args[:1]!r}")
        raise PermissionError(opened[-1])

def states():
    return random.getstate(), [str(part) for part in numpy.random.get_state()]

random.seed(1)
numpy.random.seed(1)
before = states()
sys.addaudithook(watch)
tried, report = house.run_examples()
print(json.dumps({"tried": tried, "report": report, "opened": opened, "moved": states() != before,
                  "asserts": __debug__}))
"""


def test_every_example_runs_with_the_doors_shut_and_assertions_off(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-O", "-B", "-c", CODE], cwd=house.ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout.splitlines()[-1])
    assert not found["asserts"]
    assert found["opened"] == []
    assert found["report"] == ""
    assert not found["moved"]
    assert found["tried"] > 20
