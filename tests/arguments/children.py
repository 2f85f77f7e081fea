"""The process that runs cases: it imports everything once, and forks a worker for each face."""

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil

from tests.places import ROOT

from .outcomes import RETURNED, STUCK


@dataclass
class Found:
    """What became of the cases of one face: how many there are, and what went wrong, by label."""

    cases: int = 0
    refused: int = 0
    accepted: int = 0
    wrong: dict[str, str] = field(default_factory=dict)


class Children:
    """A server of cases, see `outcomes.main`."""

    def __init__(self, folder: Any) -> None:
        command = [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.arguments.outcomes import main; main()",
        ]
        self._server = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._rest = b""
        self._worker = 0

    def of_face(self, face: str, share: float, seed: int) -> Found:
        """The outcomes of a face; a case that ends its process is one, and the others go on in a new one."""
        found, start, going = Found(), 0, True
        while going:
            self._server.stdin.write(json.dumps([face, share, seed, start]).encode() + b"\n")
            current: tuple[int, str] | None = None
            going = ended = False
            for kind, *said in self._lines():
                if kind == "valid":
                    found.wrong[said[0]] = said[1]
                elif kind == "broken":
                    found.wrong[f"{face}: {current}"] = said[0]
                elif kind == "of":
                    found.cases = said[0]
                elif kind == "end":
                    ended = True
                elif kind == "case":
                    current = (said[0], said[1])
                elif kind == "outcome":
                    self._count(found, current[1], said[1])
                    current = None
            if current is not None:
                found.wrong[current[1]] = "killed: its process did not live"
                start, going = current[0] + 1, True
            elif not ended:
                found.wrong.setdefault(face, "killed: its process did not live to its first case")
        return found

    @staticmethod
    def _count(found: Found, label: str, happened: str) -> None:
        if happened == "":
            found.refused += 1
        elif happened == RETURNED:
            found.accepted += 1
        else:
            found.wrong[label] = happened

    def _lines(self) -> Iterator[list[Any]]:
        """What the worker says, until it is over; one that is stuck is ended."""
        while True:
            line = self._line()
            if line is None:
                psutil.Process(self._worker).kill()
                continue
            if line[0] == "started":
                self._worker = line[1]
            elif line[0] == "over":
                return
            else:
                yield line

    def _line(self) -> list[Any] | None:
        """One line, or None if none comes."""
        while b"\n" not in self._rest:
            if not select.select([self._server.stdout], [], [], STUCK)[0]:
                return None
            more = self._server.stdout.read(65536)
            if not more:
                raise RuntimeError("the server of cases has ended")
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def close(self) -> None:
        """End the server."""
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait()
