"""Every example script, run as a reader would run it, in an empty folder and without leaving the machine."""

import os
import subprocess
import sys

import house
import pytest

SCRIPTS = sorted((house.ROOT / "examples").rglob("*.py"))
NEEDS = {"territory_service.py": ("fastapi", "uvicorn", "httpx")}
RUN = """
import os, runpy, sys
script, allowed = sys.argv[1], os.path.realpath(sys.argv[2])
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

def inside(path):
    return not isinstance(path, (str, bytes, os.PathLike)) or os.path.realpath(os.fsdecode(path)).startswith(
        (allowed, os.devnull)
    )

def on_this_machine(event, args):
    address = args[0] if event == "socket.getaddrinfo" else args[1]
    return (address[0] if isinstance(address, tuple) else address) == "127.0.0.1"

def watch(event, args):
    network = event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto")
    if network and not on_this_machine(event, args):
        raise PermissionError(f"an example opened the network: {event} {args[1:]!r}")
    written = event == "open" and isinstance(args[2], int) and args[2] & WRITING
    if (written or event in ("os.mkdir", "os.remove", "os.rename")) and not inside(args[0]):
        raise PermissionError(f"an example wrote outside the folder it was given: {event} {args[0]!r}")

sys.addaudithook(watch)
sys.argv = [script, os.path.join(sys.argv[2], "output")]
runpy.run_path(script, run_name="__main__")
"""


@pytest.fixture(scope="session")
def drawing_cache(tmp_path_factory):
    """Give matplotlib one folder of its own, so that it lists the fonts once."""
    folder = tmp_path_factory.mktemp("matplotlib")
    warm = "import matplotlib.pyplot"
    environment = os.environ | {"MPLCONFIGDIR": str(folder), "MPLBACKEND": "Agg"}
    subprocess.run([sys.executable, "-c", warm], env=environment, check=False, capture_output=True)
    return folder


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_an_example_runs_without_warning_network_or_stray_file(script, tmp_path, drawing_cache):
    for package in NEEDS.get(script.name, ()):
        pytest.importorskip(package, reason=f"{package} is in the extra examples")
    environment = os.environ | {
        "MPLCONFIGDIR": str(drawing_cache),
        "MPLBACKEND": "Agg",
        "PYTHONPATH": str(house.ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(tmp_path),
        "HOME": str(tmp_path),
    }
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN, str(script), str(tmp_path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    assert answer.stdout.strip()
