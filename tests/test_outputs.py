"""Storing outputs: `make outputs` changes what a reader would see, no more."""

import difflib
import errno
import io
import os
import re
import signal
import subprocess
import sys
import time
from base64 import b64decode
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

import outputs
from closeness import mismatch, numbers, settle
from images import distance, lighter, sharpness

TOOLS = Path(outputs.__file__).parent
# a process that was started in the background ignores Ctrl-C by inheritance
MAIN = (
    "import signal, sys, pathlib, outputs; "
    "signal.signal(signal.SIGINT, signal.default_int_handler); "
    "outputs.NOTEBOOKS = pathlib.Path(sys.argv[1]); "
    "sys.exit(outputs.main(sys.argv[2:]))"
)
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}

# a curve whose end, and a number that, depend on the "machine"
DRAWING = """\
import io, math, os
from IPython.display import Image
from PIL import Image as Page, ImageDraw

shift = float(os.environ.get("MACHINE", "0"))
page = Page.new("RGB", (300, 200), "white")
curve = [(x, 100 + 80 * math.sin(x / 40)) for x in range(300)]
curve[-40:] = [(x, y + shift) for x, y in curve[-40:]]
ImageDraw.Draw(page).line(curve, "black", 3)
page.save(file := io.BytesIO(), "png")
Image(file.getvalue())"""
PRINTING = 'print("accuracy", 0.9 + shift / 1000)\nprint("done")'


def save(folder, *cells, name="chapter"):
    """Write a notebook of these cells and execute it; return its path."""
    path = folder / f"{name}.ipynb"
    notebook = new_notebook(cells=list(cells), metadata=KERNEL)
    nbformat.write(notebook, path)
    outputs.execute(path)
    return path


def drawing_notebook(folder):
    """A notebook that shows a curve and, within a tolerance, a number."""
    tolerance = {"absolute": 0.02, "reason": "made up for a test"}
    return save(
        folder,
        new_markdown_cell("We draw one curve."),
        new_code_cell(DRAWING),
        new_code_cell(PRINTING, metadata={"tolerance": tolerance}),
    )


def edit(path, index, old, new):
    """Replace a text in a cell's source."""
    notebook = nbformat.read(path, as_version=4)
    assert old in notebook.cells[index].source
    source = notebook.cells[index].source.replace(old, new)
    notebook.cells[index].source = source
    nbformat.write(notebook, path)


def changed_lines(before, after):
    """How many lines of a text were replaced by others."""
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), n=0)
    return sum(line[0] == "+" for line in lines) - 1  # but for the header


def command(folder, *names):
    """A process that runs tools/outputs.py on the notebooks of a folder."""
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, folder, *names],
        env=os.environ | {"PYTHONPATH": str(TOOLS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_another_machine_leaves_the_file_as_it_is(tmp_path, monkeypatch):
    path = drawing_notebook(tmp_path)
    before = path.read_bytes()
    for machine in ("0", "3"):
        monkeypatch.setenv("MACHINE", machine)
        assert not outputs.execute(path)
        assert path.read_bytes() == before, machine


def test_what_looks_different_is_stored_anew(tmp_path, monkeypatch):
    path = drawing_notebook(tmp_path)
    _, picture, text = nbformat.read(path, as_version=4).cells
    monkeypatch.setenv("MACHINE", "60")
    assert outputs.execute(path)
    _, other_picture, other_text = nbformat.read(path, as_version=4).cells
    assert picture.outputs != other_picture.outputs
    assert text.outputs != other_text.outputs


def test_an_edited_cell_shows_what_it_draws_now(tmp_path):
    path = drawing_notebook(tmp_path)
    before = nbformat.read(path, as_version=4)
    edit(path, 1, '"black"', '"#010101"')
    assert outputs.execute(path)
    after = nbformat.read(path, as_version=4)
    data, other = (n.cells[1].outputs[0]["data"] for n in (before, after))
    pair = b64decode(data["image/png"]), b64decode(other["image/png"])
    assert 0 < distance(*pair) < 0.05


def test_behind_an_edited_cell_no_tolerance_counts(tmp_path):
    path = drawing_notebook(tmp_path)
    edit(path, 1, '"MACHINE", "0"', '"MACHINE", "9"')
    assert outputs.execute(path)
    printed = nbformat.read(path, as_version=4).cells[2].outputs[0].text
    assert printed.startswith("accuracy 0.909")


def test_all_can_be_stored_from_one_run(tmp_path, monkeypatch):
    path = drawing_notebook(tmp_path)
    monkeypatch.setenv("MACHINE", "3")
    assert not outputs.execute(path)
    assert outputs.execute(path, anew=True)
    printed = nbformat.read(path, as_version=4).cells[2].outputs[0].text
    assert printed.startswith("accuracy 0.903")
    assert not outputs.execute(path, anew=True)


def test_behind_a_text_that_changed_a_picture_is_of_the_same_run(tmp_path):
    path = save(
        tmp_path,
        new_code_cell("shade = 0"),
        new_code_cell("print(shade)"),
        new_code_cell(DRAWING.replace('"black"', "(0, 0, shade)")),
    )
    before = nbformat.read(path, as_version=4).cells[2].outputs
    edit(path, 0, "0", "1")
    assert outputs.execute(path)
    after = nbformat.read(path, as_version=4).cells[2].outputs
    data, other = (
        b64decode(o[0]["data"]["image/png"]) for o in (before, after)
    )
    assert 0 < distance(data, other) < 0.05


def test_a_changed_word_changes_a_line_and_no_id(tmp_path):
    path = drawing_notebook(tmp_path)
    before = path.read_text(encoding="utf-8")
    ids = [cell.id for cell in nbformat.reads(before, 4).cells]
    edit(path, 0, "one", "a")
    outputs.execute(path)
    prose = path.read_text(encoding="utf-8")
    assert changed_lines(before, prose) == 1
    edit(path, 2, '"done"', '"over"')
    outputs.execute(path)
    code = path.read_text(encoding="utf-8")
    # the line of code, what it prints, and the digest of the cell
    assert changed_lines(prose, code) == 3
    assert [cell.id for cell in nbformat.reads(code, 4).cells] == ids


def test_a_printed_text_is_stored_in_one_piece(tmp_path):
    source = (
        "import sys, time\n"
        "for word in 'ab':\n"
        "    print(word, flush=True)\n"
        "    time.sleep(0.3)"
    )
    path = save(tmp_path, new_code_cell(source))
    [cell] = nbformat.read(path, as_version=4).cells
    assert [output.text for output in cell.outputs] == ["a\nb\n"]


def test_ctrl_c_leaves_the_notebook_and_no_kernel(tmp_path):
    path = save(tmp_path, new_code_cell("1"))
    mark = tmp_path / "pid"
    edit(
        path,
        0,
        "1",
        "import os, time\n"
        f"print(os.getpid(), file=open({str(mark)!r}, 'w'), flush=True)\n"
        "time.sleep(60)",
    )
    before = path.read_bytes()
    run = command(tmp_path, "chapter")
    while not (mark.exists() and mark.read_text().strip()):
        time.sleep(0.1)
        assert run.poll() is None, run.stdout.read()
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "Traceback" not in said, said
    assert said.strip().endswith("stopped; the notebook is as it was"), said
    assert path.read_bytes() == before
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_two_runs_at_once_leave_one_whole_notebook(tmp_path):
    path = drawing_notebook(tmp_path)
    edit(path, 2, '"done"', '"over"')
    runs = [command(tmp_path, "chapter") for _ in range(2)]
    for run in runs:
        said, _ = run.communicate(timeout=120)
        assert run.returncode == 0, said
    nbformat.validate(nbformat.read(path, as_version=4))
    assert [file.name for file in tmp_path.iterdir()] == ["chapter.ipynb"]


def test_an_edit_during_the_run_is_not_lost(tmp_path, monkeypatch, capsys):
    path = save(tmp_path, new_code_cell("1 + 1"))
    edited = nbformat.read(path, as_version=4)
    edited.cells[0].source = "1 + 2"

    def run(notebook, folder):
        notebook.cells[0].outputs = []
        nbformat.write(edited, path)

    monkeypatch.setattr(outputs, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(outputs, "run", run)
    assert outputs.main(["chapter"]) == 1
    assert "not stored, it was edited meanwhile" in capsys.readouterr().out
    assert nbformat.read(path, as_version=4) == edited


def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path, monkeypatch, capsys
):
    path = save(tmp_path, new_code_cell("1"))
    edit(path, 0, "1", "2")
    before = path.read_bytes()

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(outputs, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(outputs.os, "replace", full)
    assert outputs.main(["chapter"]) == 1
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == "chapter: not stored, No space left on device"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_kernel_that_dies_at_its_start_is_started_once_more(
    tmp_path, monkeypatch
):
    starts, client = [], outputs.NotebookClient
    start = client.start_new_kernel_client

    def start_badly(self):
        starts.append(self)
        if len(starts) == 1:
            self._cleanup_kernel()
            raise RuntimeError("Kernel died before replying to kernel_info")
        return start(self)

    monkeypatch.setattr(client, "start_new_kernel_client", start_badly)
    path = save(tmp_path, new_code_cell("1 + 1"))
    assert len(starts) == 2
    [output] = nbformat.read(path, as_version=4).cells[0].outputs
    assert output.data["text/plain"] == "2"


def test_a_folder_without_permission_is_one_line(
    tmp_path, monkeypatch, capsys
):
    save(tmp_path, new_code_cell("1"))
    monkeypatch.setattr(outputs, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(outputs.os, "access", lambda *args: False)
    assert outputs.main(["chapter"]) == 1
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == f"chapter: not stored, {tmp_path} cannot be written"


def test_a_backend_set_by_the_caller_does_not_reach_the_kernel(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    outputs.settle_environment()
    assert "MPLBACKEND" not in os.environ


FIGURE = """\
import matplotlib.pyplot as plt, torch
w = torch.nn.Parameter(torch.ones(3))
w.grad = torch.ones(3)
torch.optim.SGD([w], lr=1.0).step()
print(w.abs().max().item())
_ = plt.plot([1, 2])"""


def test_figures_are_sharp_and_the_rounding_can_be_changed(
    tmp_path, monkeypatch
):
    """`ROUNDING` stands for another processor."""
    monkeypatch.setenv("IPYTHONDIR", "")  # put back when the test is over
    monkeypatch.setenv("ROUNDING", "1")
    outputs.settle_environment()
    path = save(tmp_path, new_code_cell(FIGURE))
    printed, figure = nbformat.read(path, as_version=4).cells[0].outputs
    assert 0 < float(printed.text) < 1e-5
    drawn = b64decode(figure.data["image/png"])
    assert sharpness(drawn) == 2
    with Image.open(io.BytesIO(drawn)) as page:
        assert page.width // 2 == figure.metadata["image/png"]["width"]
    monkeypatch.setenv("ROUNDING", "x")
    with pytest.raises(SystemExit, match="give a whole number"):
        outputs.settle_environment()


@pytest.mark.parametrize(
    "stored, found, tolerance, said",
    [
        ("a 0.95\n", "a 0.93\n", {"absolute": 0.03}, None),
        ("a 0.95\n", "a 0.91\n", {"absolute": 0.03}, "number 1 is 0.91"),
        ("a 0.95\n", "b 0.95\n", {"absolute": 0.03}, "words"),
        ("a 0.95\n", "a 0.95\n\n", {"absolute": 0.03}, "words"),
        ("a 0.95", "a 0.93", {}, "differ"),
        ("loss 200", "loss 215", {"relative": 0.1}, None),
        ("loss 200", "loss 225", {"relative": 0.1}, "allowed is 20"),
        ("x -1e-3 y", "x 1e-3 y", {"relative": 0.1}, "number 1"),
        ("n   9.8 |", "n  10.1 |", {"absolute": 0.5}, None),
        ("tensor([ 9.8])", "tensor([10.1])", {"absolute": 0.5}, None),
        ("1 2", "12", {"absolute": 50}, "words"),
        ("conv1 5", "conv2 5", {"absolute": 3}, "words"),
        ("8x8", "9x8", {"absolute": 3}, "words"),
        ("loss nan", "loss 1", {"absolute": 3}, "words"),
        ("1,797 of 2", "1,800 of 2", {"absolute": 5}, None),
        ("<td>0.95</td>", "<td>0.97</td>", {"absolute": 0.03}, None),
        ("0.5s", "0.6s", {"absolute": 0.3}, "words"),
    ],
)
def test_texts_are_strict_and_numbers_within(stored, found, tolerance, said):
    complaint = mismatch(stored, found, tolerance)
    assert (complaint is None) if said is None else (said in complaint)


def test_all_ways_to_print_a_number_are_known():
    text = "1 -2.5 +3. .5 1e-05 (4, 5) [6.] 7% a=8, 1,234.5 v9 1.2.3 4k"
    known = [1, -2.5, 3, 0.5, 1e-5, 4, 5, 6, 7, 8, 1234.5]
    assert numbers(text) == known


def test_a_picture_more_or_less_is_seen():
    picture = {"output_type": "display_data", "data": {"image/png": ""}}
    [said] = settle([picture], [], {})
    assert said == "the run draws 0 pictures, stored are 1"


def test_a_lighter_picture_looks_the_same(tmp_path):
    folder = TOOLS.parent / "book" / "assets"
    heavy = [
        data
        for data in (path.read_bytes() for path in folder.rglob("*.png"))
        if len(data) > 20_000
    ]
    assert heavy
    for data in heavy[:2]:
        kind, less = lighter(data)
        assert re.fullmatch("image/(png|jpeg)", kind)
        assert len(less) < len(data)
        assert distance(data, less) < 0.02
