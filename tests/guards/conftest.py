"""One run of all docstring examples serves every guard that looks at them."""

import json
import os
import pickle
import subprocess
import sys

import house
import pytest

CODE = """
import json, os, pickle, random, sys, warnings
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
opened, shut = [], True
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
DOORS = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.mkdir",
         "os.remove", "os.rename", "shutil.", "urllib.", "ftplib.", "smtplib.", "http.")

def watch(event, args):
    written = event == "open" and isinstance(args[2], int) and args[2] & WRITING
    if shut and (written or event.startswith(DOORS)):
        opened.append(f"{event} {args[:1]!r}")
        raise PermissionError(opened[-1])

def states():
    return random.getstate(), [str(part) for part in numpy.random.get_state()]

random.seed(1)
numpy.random.seed(1)
before = states()
sys.addaudithook(watch)
with house.recorded(house.examples_of_classes()) as born:
    tried, report = house.run_examples()
moved = states() != before
shut = False
with open(sys.argv[1], "wb") as file:
    pickle.dump(house.models_among(born), file)
print(json.dumps({"tried": tried, "report": report, "opened": opened, "moved": moved, "asserts": __debug__,
                  "plots": house.plots_without_extras(born)}))
"""


def run_with_doors_shut(folder):
    """Run all docstring examples in a fresh interpreter without assertions; keep what they made."""
    answer = subprocess.run(
        [sys.executable, "-O", "-B", "-c", CODE, str(folder / "born.pickle")],
        cwd=house.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {"returncode": answer.returncode, "stdout": answer.stdout, "stderr": answer.stderr}


@pytest.fixture(scope="session")
def shut_folder(tmp_path_factory):
    """Name the folder of the run with the doors shut, one for all workers."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder) / "docstring-examples"


@pytest.fixture(scope="session")
def shut_run(shut_folder):
    """Say how the run of all docstring examples with the doors shut went."""
    answer = house.first_of_several(shut_folder, run_with_doors_shut)
    assert answer.get("returncode") == 0, answer
    return json.loads(answer["stdout"].splitlines()[-1])


@pytest.fixture(scope="session")
def born(shut_run, shut_folder):
    """Give instances of every model that the docstring examples made: ``{class: [instance, ...]}``."""
    return pickle.loads((shut_folder / "born.pickle").read_bytes())
