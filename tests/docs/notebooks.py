"""Notebooks of the docs, executed.

python -m tests.docs.notebooks docs/notebooks/own-sizes.ipynb     run it, and store what it prints
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

SECONDS = 120


def executed(path: Path) -> nbformat.NotebookNode:
    """The notebook, run from its first cell to its last in a new kernel of this Python; without what goes to stderr."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":  # warnings name files of this machine
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def printed(notebook: nbformat.NotebookNode) -> list[str]:
    """What each cell of code prints."""
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in cells]


def stored(notebook: nbformat.NotebookNode) -> str:
    """The text of the file: without times of execution and versions, which differ from run to run."""
    for cell in notebook.cells:
        cell.metadata = {}
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    return nbformat.writes(notebook) + "\n"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(stored(executed(Path(name))), encoding="utf-8")
