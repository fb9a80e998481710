"""The check for leaked secrets finds them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from botocore.credentials import Credentials

from tests.leaks import Leaks

SECRET = "never/printed+never/written+EXAMPLE12345"


def test_a_secret_is_found_in_files_and_outputs(tmp_path: Path) -> None:
    """As it is and in a URL; not in the files that a user writes it to, nor other texts."""
    leaks = Leaks()
    leaks.use_settings({"AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ACCESS_KEY_ID": "emulator"})
    (tmp_path / "credentials").write_text(f"aws_secret_access_key = {SECRET}")
    (tmp_path / "clean.json").write_text("the emulator")
    assert leaks.read_files(tmp_path) == 1
    assert leaks.found == set()
    (tmp_path / "failure.json").write_text(f'["{SECRET}"]')
    leaks.read_files(tmp_path)
    leaks.read("the output", b"?X=never%2Fprinted%2Bnever%2Fwritten%2BEXAMPLE12345")
    assert leaks.found == {f"{tmp_path.name}/failure.json", "the output"}


CHILD = f"""
import sys
from botocore.credentials import Credentials, ReadOnlyCredentials
from tests.leaks import Leaks

leaks = Leaks()
leaks.watch()
Credentials("emulator", {SECRET!r}, method="shared-credentials-file")
ReadOnlyCredentials("emulator", "emulator", "token of {SECRET}")
import subprocess
for word in ("shared-credentials-file", {SECRET!r}, {"token of " + SECRET!r}):
    before = len(leaks.found)
    leaks.found.clear()
    subprocess.run([sys.executable, "-c", f"print({{word!r}})"], capture_output=True)
    print(len(leaks.found))
"""


def test_the_secrets_that_botocore_is_given_are_looked_for() -> None:
    """Also renewed ones, in what child processes print; the name of a source of keys is no secret."""
    done = subprocess.run([sys.executable, "-c", CHILD], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["0", "1", "1"]


def test_identities_and_passwords_are_looked_for(tmp_path: Path) -> None:
    """Each that is made or read, but not in the files that are for them."""
    (tmp_path / "password.txt").write_text("the password of a file\n")
    code = """
import sys
from glacier_magic.packs.encryption import Identity
from glacier_magic.packs.unpacking import Keys
from tests.leaks import Leaks

leaks = Leaks()
leaks.watch()
leaks.read("the output", f"it is {Identity.new().text}")
secret = Keys(password_file=sys.argv[1]).password("a file")
leaks.read("the error", secret)
print(sorted(leaks.found))
"""
    command = [sys.executable, "-c", code, str(tmp_path / "password.txt")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "['the error', 'the output']"


def test_the_suite_looks_for_secrets(no_leaks: None) -> None:
    """The check runs at the end of every run of the tests."""
    assert Credentials.__init__.__name__ == "__init__"
    assert hasattr(Credentials.__init__, "__wrapped__")
