"""Scripts that are run by a copy of an interpreter which is there already."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from run_autoscore import orphans, preloaded

WORKFLOW = Path(preloaded.__file__).parents[1]
SCRIPT = f"""
import sys
loaded = "fractions" in sys.modules  # that nothing else imports
sys.path.insert(0, {str(WORKFLOW)!r})
from run_autoscore import preloaded
preloaded.take_over()
import os, time
def body():
    {{body}}
body()
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux only")


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").mkdir()
    return tmp_path


class Server:
    """An interpreter that has been told where scripts call, and the test's way to it."""

    def __init__(self, library: str, further: list[str]) -> None:
        self.way, there = preloaded.socket.socketpair()
        with there, preloaded.listen() as listener:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "run_autoscore.preloaded", library],
                stdin=there, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": os.pathsep.join([str(WORKFLOW), "."])},
            )  # fmt: skip
            preloaded.hand_over(self.way, listener, further)

    def end(self) -> tuple[bytes, bytes]:
        """End the run, and return what the interpreter said."""
        self.way.close()
        return self.process.communicate(timeout=60)


@pytest.fixture
def begin(folder):
    """Return a function that starts a server, which first imports one library and then others."""
    servers = []

    def start(library="fractions", *further):
        servers.append(Server(library, further))
        return servers[-1]

    yield start
    for server in servers:
        server.end()


@pytest.fixture
def server(begin):
    return begin()


def command(folder, body):
    (folder / "script.py").write_text(SCRIPT.format(body=body), encoding="utf-8")
    return [sys.executable, "script.py", "argument"]


def test_a_script_runs_in_a_copy_with_its_own_arguments_environment_and_folder(folder, server):
    body = "print(loaded, sys.argv[1], os.environ['OWN'], os.getcwd(), sys.path[0] == '')"
    asked = command(folder, body)
    environment = os.environ | {"OWN": "its own"}
    run = subprocess.run(asked, capture_output=True, text=True, env=environment, check=True)
    assert run.stdout == ""  # the copy writes where the server does, as jobs do to the terminal
    body = "open('said', 'w').write(f\"{loaded} {sys.argv[1:]} {os.environ['OWN']} {os.getcwd()}\")"
    subprocess.run(command(folder, body), env=environment, check=True)
    assert (folder / "said").read_text() == f"True ['argument'] its own {folder}"


@pytest.mark.parametrize(
    ("body", "code"),
    [("pass", 0), ("sys.exit(3)", 3), ("sys.exit('why')", 1), ("1 / 0", 1), ("os._exit(4)", 137)],
)
def test_it_ends_as_the_script_does(folder, server, body, code):
    assert subprocess.run(command(folder, body), check=False).returncode == code


def test_a_copy_ends_with_the_script_that_it_runs_for(folder, server):
    body = "open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    process = subprocess.Popen(command(folder, body))
    until(lambda: (folder / "pid").exists() and (folder / "pid").read_text())
    copy = int((folder / "pid").read_text())
    assert copy != process.pid
    process.kill()
    process.wait()
    until(lambda: not Path(f"/proc/{copy}").exists())


def test_the_server_ends_with_the_run_and_leaves_nothing(folder, server):
    for number in (0, signal.SIGINT):  # an interrupted run waits for its jobs
        server.process.send_signal(number)
        assert subprocess.run(command(folder, "pass"), check=False).returncode == 0
    assert server.end() == (b"", b"")
    assert server.process.returncode == 0
    assert not preloaded.SOCKET.exists()


@pytest.mark.parametrize("left", [None, "a killed server's socket"])
def test_where_nobody_answers_the_script_goes_on_alone(folder, left):
    if left:
        with preloaded.socket.socket(preloaded.socket.AF_UNIX) as one:
            one.bind(str(preloaded.SOCKET))
    run = subprocess.run(
        command(folder, "print(loaded)"), capture_output=True, text=True, check=True
    )
    assert run.stdout == "False\n"


@pytest.fixture
def environment(monkeypatch):
    """Let the test change what jobs inherit."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ.pop(orphans.RUN, None)
    return os.environ


@pytest.fixture
def started(monkeypatch, environment):
    """Return what is started, and what it is told later, without starting anything."""
    monkeypatch.setattr(preloaded, "_begun", None)
    told = []
    monkeypatch.setattr(preloaded.subprocess, "Popen", lambda command, **_: told.append(command))
    monkeypatch.setattr(preloaded, "hand_over", lambda *given: told.append(given[-1]))
    return told


def test_few_jobs_start_none(started):
    preloaded.start(["../scripts/train.py"] * (preloaded.ENOUGH - 1))
    assert started == []


def test_few_jobs_end_the_one_that_has_begun(monkeypatch, folder, environment):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(preloaded, "LIBRARIES", ("fractions",))
    processes, popen = [], subprocess.Popen
    monkeypatch.setattr(
        preloaded.subprocess, "Popen", lambda *a, **k: processes.append(popen(*a, **k))
    )
    preloaded.begin()
    assert processes[0].poll() is None
    preloaded.start([])
    assert processes[0].wait(20) == 0
    assert not preloaded.SOCKET.exists()


def test_with_one_core_none_begins_before_it_is_needed(monkeypatch, started):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert preloaded.begin() is None
    assert started == []


@pytest.mark.parametrize(
    "begin", [lambda: preloaded.start([]), preloaded.decline], ids=["of a run", "of a cluster"]
)
def test_jobs_are_told_with_whom_they_end(begin, environment):
    begin()
    assert environment[orphans.RUN].split()[0] == str(os.getpid())


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize(("others", "heavy"), [([], False), (["../scripts/train.py"], True)])
def test_figures_alone_do_without_what_learns(monkeypatch, started, folder, early, others, heavy):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    if early:
        preloaded.begin()
    preloaded.start(["../scripts/figures.py"] * preloaded.ENOUGH + others)
    command, further = started
    assert "seaborn" in command
    assert "torch" not in command
    assert ("torch" in further) == heavy


@pytest.mark.parametrize(
    "how", ["preloaded.decline(); preloaded.take_over()", "preloaded.take_over(True)"]
)
def test_what_declines_or_is_timed_runs_alone(how, folder, server):
    # the body of SCRIPT would run in a copy, where what it prints is not seen here
    asked = command(folder, "print('alone')")
    script = folder / "script.py"
    text = script.read_text(encoding="utf-8")
    script.write_text(text.replace("preloaded.take_over()", how), encoding="utf-8")
    run = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert run.stdout == "alone\n"


def test_what_the_library_needs_is_there_already():
    """An import that each of a hundred jobs makes anew, of two seconds, is minutes of a run."""
    script = f"""
import pkgutil, sys
from importlib import import_module
sys.path.insert(0, {str(WORKFLOW)!r})
import autoscore
from run_autoscore import preloaded
preloaded.load()
import pooch, requests  # of the download, which one job makes
there = set(sys.modules)
for module in pkgutil.walk_packages(autoscore.__path__, "autoscore."):
    import_module(module.name)
print(*{{name.split(".")[0] for name in sys.modules.keys() - there}})
"""
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    of_few = {"jinja2", "markupsafe"}  # of the page, which one job writes
    of_few |= {"numba", "llvmlite"}  # of compiled chains, where they are asked for
    assert set(run.stdout.split()) <= {"autoscore"} | of_few | sys.stdlib_module_names


@pytest.mark.parametrize("libraries", [["slow"], ["fractions", "slow"]], ids=["first", "later"])
def test_a_script_waits_for_a_server_that_still_imports(folder, begin, libraries):
    body = "print('slow' in sys.modules, file=open('said', 'w'))"
    (folder / "slow.py").write_text("import time; time.sleep(2)", encoding="utf-8")
    begin(*libraries)
    subprocess.run(command(folder, body), check=True)
    assert (folder / "said").read_text(encoding="utf-8") == "True\n"


@pytest.mark.parametrize(
    "libraries", [["no_such_library"], ["fractions", "no_such_library"]], ids=["first", "later"]
)
def test_a_server_that_lacks_something_ends_without_a_word(folder, begin, libraries):
    server = begin(*libraries)
    assert server.process.wait(60) == 1
    # a script that calls, or had called before, goes on alone
    run = subprocess.run(command(folder, "print(loaded)"), capture_output=True, check=True)
    assert run.stdout == b"False\n"
    assert server.end() == (b"", b"")


def test_a_script_that_waits_goes_on_alone_if_the_server_ends(folder):
    with preloaded.listen():
        run = subprocess.Popen(command(folder, "print(loaded)"), stdout=subprocess.PIPE)
        time.sleep(1)  # by then it waits
        assert run.poll() is None
    assert run.communicate(timeout=20)[0] == b"False\n"


def test_a_caller_that_is_gone_before_it_is_served_leaves_the_server(folder, begin):
    (folder / "slow.py").write_text("import time; time.sleep(2)", encoding="utf-8")
    server = begin("slow", "fractions")
    with preloaded.socket.socket(preloaded.socket.AF_UNIX) as gone:
        gone.connect(str(preloaded.SOCKET))
    body = "print(loaded, file=open('said', 'w'))"
    subprocess.run(command(folder, body), check=True)
    time.sleep(0.5)
    assert (folder / "said").read_text(encoding="utf-8") == "True\n"
    assert preloaded.SOCKET.exists()
    assert server.end() == (b"", b"")
