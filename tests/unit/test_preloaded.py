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
SERVE = f"""
import sys
sys.path.insert(0, {str(WORKFLOW)!r})
from run_autoscore import preloaded
preloaded.serve(["fractions"], preloaded.listen())
"""
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


@pytest.fixture
def server(folder):
    process = subprocess.Popen([sys.executable, "-c", SERVE], stdin=subprocess.PIPE)
    until(preloaded.SOCKET.exists)
    yield process
    process.stdin.close()
    process.wait(20)


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
    server.send_signal(signal.SIGINT)  # an interrupted run waits for its jobs
    assert subprocess.run(command(folder, "pass"), check=False).returncode == 0
    server.stdin.close()
    assert server.wait(20) == 0
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


def test_few_jobs_start_none(monkeypatch, environment):
    monkeypatch.setattr(preloaded.subprocess, "Popen", lambda *_, **__: pytest.fail("started"))
    preloaded.start(["../scripts/train.py"] * (preloaded.ENOUGH - 1))


@pytest.mark.parametrize(
    "begin", [lambda: preloaded.start([]), preloaded.decline], ids=["of a run", "of a cluster"]
)
def test_jobs_are_told_with_whom_they_end(begin, environment):
    begin()
    assert environment[orphans.RUN].split()[0] == str(os.getpid())


@pytest.mark.parametrize(("others", "heavy"), [([], False), (["../scripts/train.py"], True)])
def test_figures_alone_do_without_what_learns(monkeypatch, environment, folder, others, heavy):
    started = []
    monkeypatch.setattr(preloaded.subprocess, "Popen", lambda command, **_: started.append(command))
    preloaded.start(["../scripts/figures.py"] * preloaded.ENOUGH + others)
    assert "seaborn" in started[0]
    assert ("torch" in started[0]) == heavy


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
for name in preloaded.LIBRARIES + preloaded.FURTHER:
    import_module(name)
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


def begin(listener, *libraries):
    """Start a server that imports these libraries first."""
    there = listener.fileno()
    return subprocess.Popen(
        [sys.executable, "-m", "run_autoscore.preloaded", str(there), *libraries],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[there],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(WORKFLOW), "."])},
    )  # fmt: skip


def test_a_script_waits_for_a_server_that_still_imports(folder):
    body = "print(loaded and 'slow' in sys.modules, file=open('said', 'w'))"
    (folder / "slow.py").write_text("import time; time.sleep(2)", encoding="utf-8")
    with preloaded.listen() as listener:
        server = begin(listener, "slow", "fractions")
    subprocess.run(command(folder, body), check=True)
    assert (folder / "said").read_text(encoding="utf-8") == "True\n"
    server.communicate(timeout=20)


def test_a_server_that_lacks_something_ends_without_a_word(folder):
    with preloaded.listen() as listener:
        server = begin(listener, "no_such_library")
    assert server.communicate(timeout=60) == (b"", b"")
    assert server.returncode == 1
    assert not preloaded.SOCKET.exists()
    # a script that had called before would have gone on alone, too
    run = subprocess.run(command(folder, "print(loaded)"), capture_output=True, check=True)
    assert run.stdout == b"False\n"


def test_a_script_that_waits_goes_on_alone_if_the_server_ends(folder):
    with preloaded.listen():
        run = subprocess.Popen(command(folder, "print(loaded)"), stdout=subprocess.PIPE)
        time.sleep(1)  # by then it waits
        assert run.poll() is None
    assert run.communicate(timeout=20)[0] == b"False\n"


def test_a_caller_that_is_gone_before_it_is_served_leaves_the_server(folder):
    (folder / "slow.py").write_text("import time; time.sleep(2)", encoding="utf-8")
    with preloaded.listen() as listener:
        server = begin(listener, "slow", "fractions")
    with preloaded.socket.socket(preloaded.socket.AF_UNIX) as gone:
        gone.connect(str(preloaded.SOCKET))
    body = "print(loaded, file=open('said', 'w'))"
    subprocess.run(command(folder, body), check=True)
    time.sleep(0.5)
    assert (folder / "said").read_text(encoding="utf-8") == "True\n"
    assert preloaded.SOCKET.exists()
    assert server.communicate(timeout=20) == (b"", b"")
