import ctypes
import platform

from asterism.learning import memory
from asterism.learning.memory import keep_freed_memory


def test_glibc_takes_every_setting():
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")


def test_other_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    assert keep_freed_memory() is False
    monkeypatch.undo()
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: ctypes.pythonapi)
    assert keep_freed_memory() is False
