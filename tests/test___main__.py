import subprocess
import sys

from asterism import __version__


def test_the_command_is_there_by_module_name_too():
    done = subprocess.run([sys.executable, "-m", "asterism", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"asterism {__version__}"
