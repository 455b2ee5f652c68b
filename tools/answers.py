"""Judge the answers of one submitted notebook, each in a process of its own.

`grading.py` runs this inside `contained.sh`. It reads the code cells, a list
of [name, role, source], and writes a line for each cell of the role "check":
[name, state, hint, what else the answer did].

The judge and an answer share a process, and no rule of Python can hold an
answer there: what contains it is the system. What is done here makes it hard
to fake a verdict unseen. Nothing of the submission has run in the process
before; the cell with the check comes from the lecturer; a verdict counts only
with a secret; and what is unusual is told the moment it happens.
"""

import ast
import contextlib
import ctypes
import importlib
import json
import linecache
import os
import re
import resource
import secrets
import select
import signal
import symtable
import sys
import tempfile
import time
import types

from IPython.core.inputtransformer2 import TransformerManager

MEMORY = 3 * 2**30  # bytes for one process, with torch and the checks
SECONDS = 30  # of processor time for one answer; the judge itself allows 10
PATIENCE = 120  # seconds by the clock for one answer
# audit events of Python that no exercise asks for, and words of its inside
FILES = re.compile(
    r"open$|shutil\.|os\.(remove|rmdir|rename|link|truncate|ch)"
)
OTHERS = re.compile(
    r"os\.(kill|system|exec|fork|posix_spawn)|subprocess\.|"
    r"socket\.(connect|bind|send|get)"
)
INSIDE = re.compile(r"sys\.(_getframe|set|addaudithook)|gc\.get_|ctypes\.")
WORDS = re.compile(
    r"\bsys\.modules|__(?:globals|code|builtins|traceback|closure)__|"
    r"\b(?:f_back|f_locals|_getframe|tb_frame|ctypes|builtins)\b|"
    r"\b(?:import|from) checks\b|\bchecks\.|\bdef check\b|\bcheck ="
)


def statements(name, source):
    """The statements of a cell; none when it is not Python.

    Each knows its text and its file. `inspect.getsource` finds the latter, as
    it does in a notebook.
    """
    file = f"<{name}>"
    try:
        source = TransformerManager().transform_cell(source)
        body = ast.parse(source).body
        for statement in body:
            statement.file, statement.text = file, ast.unparse(statement)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    lines = source.splitlines(keepends=True)
    linecache.cache[file] = (len(source), None, lines, file)
    return body


def needed(wanting, earlier):
    """Those of the earlier statements that others need, by global names."""
    names = [_names(s.text, _BOUND) for s in earlier]
    wanted = set().union(*(_names(s.text, _READ) for s in wanting))
    taken = set()
    while more := {i for i, own in enumerate(names) if own & wanted} - taken:
        taken |= more
        for i in more:
            wanted |= _names(earlier[i].text, _READ)
    return [earlier[i] for i in sorted(taken)]


_READ = (symtable.Symbol.is_referenced,)
_BOUND = symtable.Symbol.is_assigned, symtable.Symbol.is_imported


def _names(source, uses):
    """The global names that a piece of Python uses in one of the ways."""
    found, tables = set(), [symtable.symtable(source, "<cell>", "exec")]
    for table in tables:  # which grows
        tables += table.get_children()
        found |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if any(use(symbol) for use in uses)
            and (table is tables[0] or symbol.is_global())
        }
    return found


def limit():
    """Limit what this process may use, for good."""
    alone = os.getppid() == 1  # the first process of a namespace of our own
    for name, most in {
        "CPU": SECONDS,
        "DATA": MEMORY,
        "FSIZE": 2**26,
        "CORE": 0,
        **({"NPROC": 64} if alone else {}),
    }.items():
        limits = most, most + (name == "CPU")  # the first can be told
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), limits)


def watch(tell):
    """Tell, by an audit hook, what an answer does that none should."""
    told, here, busy = set(), tempfile.gettempdir() + os.sep, []

    def hook(event, args):
        if event in told or busy:
            return
        inside = INSIDE.match(event)
        if not (inside or OTHERS.match(event) or is_outside(event, args)):
            return
        busy.append(event)  # to ask for a frame is an event as well
        frame = sys._getframe(1)
        busy.pop()
        while frame and not frame.f_code.co_filename.startswith("<answer"):
            frame = None if inside else frame.f_back
        if frame:
            told.add(event)
            tell("did", event)

    def is_outside(event, args):
        if not FILES.match(event) or isinstance(args[0], int):
            return False
        if event == "open" and not set(args[1] or "") & set("wax+"):
            return False
        return not os.path.abspath(os.fsdecode(args[0])).startswith(here)

    sys.addaudithook(hook)


def answer(cells, tell):
    """Run what an answer needs, the answer and its check; tell the verdict."""
    judges = [m for name, m in sys.modules.items() if name[:6] == "checks"]
    judges += [
        value
        for module in judges
        for name, value in vars(module).items()
        if isinstance(value, dict)
        and name[:2] != "__"
        or isinstance(value, type)
        and value.__module__[:6] == "checks"
    ]
    before, replaced = prints(judges), []
    limit()
    watch(tell)
    *cells, (name, _, check) = cells
    roles = [role for _, role, _ in cells]
    start = len(roles) - [*reversed(roles), "check"].index("check")
    own, earlier = [], []
    for place, (cell, role, source) in enumerate(cells):
        if role == "own" and place >= start:
            own += statements(f"answer {cell}", source)
            for word in sorted(set(WORDS.findall(source))):
                tell("did", f"mentions {word}")
        elif role != "check":
            kind = "answer" if role == "own" else "given"
            earlier += statements(f"{kind} {cell}", source)

    main = sys.modules["__main__"] = types.ModuleType("__main__")
    names, trouble, verdict = vars(main), "", None
    with contained(replaced):
        for statement in [*needed(own, earlier), *own]:
            code = ast.Module([statement], type_ignores=[])
            try:
                exec(compile(code, statement.file, "exec"), names)
            except BaseException as error:
                trouble = trouble or f"your cell raised {one_line(error)}"

    def record(number, answer):
        nonlocal verdict
        verdict = judge(number, answer)

    names["check"] = record
    try:
        exec(compile(check, f"<check {name}>", "exec"), names)
    except BaseException as error:
        verdict = Verdict("not yet", trouble or one_line(error))
    if replaced or prints(judges) != before:
        what = replaced[0] if replaced else "the judge"
        verdict = Verdict("stopped", f"it replaced {what}")
    if re.search("MemoryError|(allocate|enough) memory", verdict.hint):
        tell("did", "asks for too much memory")
    tell("verdict", [verdict.state, verdict.hint])


def prints(places):
    """What shows whether modules, classes or dicts were changed."""
    return [
        {
            name: (id(value), id(getattr(value, "__code__", None)))
            for name, value in getattr(place, "__dict__", place).items()
        }
        for place in places
    ]


def teller(pipe, secret, write=os.write):
    """How a child tells its parent, with nothing an answer can replace."""
    return lambda kind, text: write(
        pipe, f"{secret} {kind} {text!r}\n".encode()
    )


def in_a_child(cells):
    """Judge one answer in a child process: state, hint, what else it did."""
    secret = secrets.token_hex()
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(read)
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nothing, stream)
            answer(cells, teller(write, secret))
        finally:
            os._exit(0)
    os.close(write)
    end, said, verdict, did = time.monotonic() + PATIENCE, b"", None, []
    while not verdict and len(said) < 2**16:
        left = max(0, end - time.monotonic())
        part = select.select([read], [], [], left)[0] and os.read(read, 4096)
        if not part:
            break
        *lines, said = (said + part).split(b"\n")
        for line in lines:
            if line.startswith(secret.encode()):
                _, kind, text = line.decode().split(" ", 2)
                (did if kind == "did" else (verdict := [])).append(
                    ast.literal_eval(text)
                )
    os.close(read)
    late, status = time.monotonic() >= end, 0
    with contextlib.suppress(ChildProcessError, ProcessLookupError):
        while True:  # in a namespace of our own: all that was started
            os.kill(-1 if os.getpid() == 1 else child, signal.SIGKILL)
            ended, code = os.wait()
            status = code if ended == child else status
    if verdict:
        return [*verdict[0], did]
    over = late or os.WTERMSIG(status) == signal.SIGXCPU
    words = "its time was over" if over else f"it ended Python ({status})"
    return ["stopped", words, did]


def main():
    """Judge the cells from standard input."""
    cells = json.load(sys.stdin)
    for number in set(re.findall(r'check\("(\d+)\.', str(cells))):
        importlib.import_module(f"checks.ch{int(number):02}")
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(4, 0)  # no answer may look into this process
    for place, (name, role, _) in enumerate(cells):
        if role == "check":
            print(json.dumps([name, *in_a_child(cells[: place + 1])]), flush=1)


if __name__ == "__main__":
    from checks.containment import contained
    from checks.judge import Verdict, judge
    from checks.words import one_line

    main()
