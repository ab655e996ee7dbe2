"""Output directories that are either whole or absent.

While it is made, an output is called ``PATH.partial`` and holds ``inputs.json``, a record of what it is made from. When
all is written and on the disk, one rename gives it its name. So whatever has the name is whole; whatever was
interrupted can be continued when the inputs still match, and is refused with the reason when they do not.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import asterism
from asterism.errors import AsterismError, BadInputError, OutputError

__all__ = ["INPUTS_FILE", "Output", "atomic_write", "file_identity", "read_inputs"]

INPUTS_FILE = "inputs.json"
"""What an output is made from; it stays in the finished directory."""

_LOCK_FILE = ".lock"

_REPLACED = ".replaced"

_TEMPORARY = ".*.tmp*"
"""Names of unfinished files; see `atomic_write`."""


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary name beside `path`; when the block ends well, it becomes `path`, else it goes away.

    Parameters
    ----------
    path : path-like
        File to write; its folder is made if need be.

    Yields
    ------
    pathlib.Path
        Where to write.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    # The process number keeps two writers apart; the suffix stays last, for writers that go by it.
    temporary = final.with_name(f".{final.stem}.{os.getpid()}.tmp{final.suffix}")
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, final)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(final.parent)


def file_identity(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Name, size and content hash of an input file, as an entry of `Output`'s inputs.

    Parameters
    ----------
    path : path-like
        A file.

    Returns
    -------
    dict
        ``name`` (without folders, so that inputs can be moved), ``bytes``, ``sha256``.

    Raises
    ------
    BadInputError
        The file is missing or can't be read.
    """
    path = Path(path)
    digest = hashlib.sha256()  # processors have instructions for it
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
            return {"name": path.name, "bytes": file.tell(), "sha256": digest.hexdigest()}
    except OSError as error:
        raise BadInputError(f"can't read {path}: {error.strerror}; check the path") from error


def read_inputs(directory: Path) -> dict[str, Any] | None:
    """The inputs recorded in an output directory; None where there is no readable record of ours."""
    try:
        inputs = json.loads((directory / INPUTS_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    # Others call their files inputs.json too: a record without our version is not ours, and nor is what it stands in.
    return inputs if isinstance(inputs, dict) and isinstance(inputs.get("asterism"), str) else None


class Output:
    """An output directory in the making; use it as a context manager.

    Parameters
    ----------
    path : path-like
        The output directory.
    inputs : mapping
        What it is made from (JSON values): ``command``, options, seeds, content hashes of files, fingerprints of
        catalogs.
        Asterism's version is added. Two runs with the same inputs must give the same output.
    overwrite : bool
        Start anew and replace an earlier output of the same command. A directory that holds anything else is never
        replaced.

    Attributes
    ----------
    path : pathlib.Path
        The name it will have.
    directory : pathlib.Path
        Where to write now: ``PATH.partial``, or `path` itself when `complete`.
    resumed : bool
        An interrupted run with the same inputs is being continued: what is in `directory` may be kept.
    complete : bool
        The output is there already, made from the same inputs; write nothing.

    Raises
    ------
    OutputError
        On entering: the place holds something else, or an output made from other inputs (the sentence says which
        changed), or another process is writing it.

    Notes
    -----
    A block that ends with an `AsterismError` (bad input) leaves nothing behind; one that is interrupted or fails
    otherwise leaves ``PATH.partial``, to be continued.
    """

    def __init__(self, path: str | os.PathLike[str], inputs: Mapping[str, Any], overwrite: bool = False) -> None:
        # Through links, so that the output stands where they lead (a larger disk, say) and they stay what they are.
        self.path = Path(os.path.realpath(path))
        if not self.path.name:
            raise OutputError(f"{self.path} holds something that Asterism did not make; choose another output")
        self.inputs: dict[str, Any] = json.loads(json.dumps({"asterism": asterism.__version__, **inputs}))
        self.overwrite = overwrite
        self.directory = self.path.with_name(self.path.name + ".partial")
        self.resumed = False
        self.complete = False
        self._lock: IO[str] | None = None

    def __enter__(self) -> Output:
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.abandon(keep=not issubclass(kind, AsterismError))

    def begin(self) -> None:
        """Look at what stands there, and make or reopen ``PATH.partial``."""
        there = self._look_at_path()
        if there is not None and there.get("command") != self.inputs.get("command"):
            # Most often the input itself, named as the output by mistake.
            raise OutputError(
                f"{self.path} was made by {_maker(there)}, not by {_maker(self.inputs)}, and is never replaced by it; "
                "choose another output"
            )
        if there is not None and not self.overwrite:
            changed = _difference(there, self.inputs)
            if changed:
                raise OutputError(
                    f"{self.path} was made from other inputs ({changed}); "
                    "choose another output or start anew with --overwrite"
                )
            self.complete = True
            self.directory = self.path
            return
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"can't make {self.directory}: {error.strerror}; choose another output") from error
        self._lock = _lock(self.directory)
        try:
            if there is None and self._look_at_path() is not None:
                raise OutputError(f"another process has just written {self.path}; run again to use what it made")
            self._reopen_partial()
        except BaseException:
            self._unlock()
            with contextlib.suppress(OSError):  # what others put there keeps it
                self.directory.rmdir()
            raise

    def _look_at_path(self) -> dict[str, Any] | None:
        """Inputs of the finished output at `path`; None where the place is free."""
        if not self.path.exists():
            return None
        if not self.path.is_dir():
            raise OutputError(f"{self.path} is a file, not a directory; choose another output")
        inputs = read_inputs(self.path)
        if inputs is None and any(self.path.iterdir()):
            raise OutputError(f"{self.path} holds something that Asterism did not make; choose another output")
        return inputs

    def _reopen_partial(self) -> None:
        """Decide whether what an earlier run left can be continued."""
        held = [entry for entry in self.directory.iterdir() if not entry.name.startswith((".lock", ".inputs."))]
        if held:
            before = read_inputs(self.directory)
            if before is None:
                raise OutputError(
                    f"{self.directory} holds something that Asterism did not make; move it or choose another output"
                )
            changed = _difference(before, self.inputs)
            if changed and not self.overwrite:
                raise OutputError(
                    f"{self.directory} is an interrupted output of other inputs ({changed}); "
                    "run again with the former ones to continue, or start anew with --overwrite"
                )
            self.resumed = not self.overwrite
            if self.overwrite:
                # The record goes last: a directory that is emptied half way must still be known as ours.
                for entry in sorted(held, key=lambda entry: entry.name == INPUTS_FILE):
                    _remove(entry)
        # What a killed process was writing at that moment.
        for leftover in self.directory.rglob(_TEMPORARY):
            leftover.unlink()
        if not self.resumed:
            with atomic_write(self.directory / INPUTS_FILE) as file:
                file.write_text(json.dumps(self.inputs, indent=1, sort_keys=True) + "\n", "utf-8")

    def finish(self) -> None:
        """Put everything on the disk and give the output its name."""
        if self.complete:
            return
        try:
            self._finish()
        finally:
            self._unlock()

    def _finish(self) -> None:
        for folder, _, files in os.walk(self.directory):
            for name in files:
                _sync(Path(folder, name))
            _sync(Path(folder))
        if self.path.exists():
            # A directory can't be replaced in one step; the old one steps aside for the moment between two renames,
            # into the new one, since any name beside it may be somebody's.
            _remove(self.directory / _REPLACED)
            os.replace(self.path, self.directory / _REPLACED)
        os.replace(self.directory, self.path)
        self.directory = self.path
        _remove(self.path / _REPLACED)
        _sync(self.path.parent)

    def abandon(self, keep: bool = True) -> None:
        """Stop; ``PATH.partial`` stays to be continued, or goes away where `keep` is False."""
        if self.complete:
            return
        self._unlock()
        if not keep:
            _remove(self.directory)

    def _unlock(self) -> None:
        if self._lock is not None:
            (self.directory / _LOCK_FILE).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None


def _lock(directory: Path) -> IO[str] | None:
    """Hold the directory against other processes; the system lets go when the process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # not there on Windows: two writers at once are then the user's care
        return None
    file = (directory / _LOCK_FILE).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise OutputError(f"another process is writing {directory}; wait until it ends or choose another output") from (
            error
        )
    return file


def _sync(path: Path) -> None:
    """Ask the system to put a file or folder on the disk."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _maker(inputs: Mapping[str, Any]) -> str:
    return f"'asterism {inputs['command']}'" if "command" in inputs else "another step"


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs between two records, e.g. ``seed: 1 before, 2 now``; empty where nothing does."""
    flat_before, flat_now = dict(_flatten(before)), dict(_flatten(now))
    keys = [key for key in {**flat_before, **flat_now} if flat_before.get(key) != flat_now.get(key)]
    told = [f"{key}: {_short(flat_before.get(key))} before, {_short(flat_now.get(key))} now" for key in keys[:3]]
    return "; ".join(told) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")


def _flatten(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _flatten(inner, f"{name}[{index}]")
    else:
        yield name, value


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"
