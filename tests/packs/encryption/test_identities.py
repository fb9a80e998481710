"""Keys: never shown, and read from files of age's own form."""

import pytest

from glacier_magic.errors import InputError, LocalError, WrongKey
from glacier_magic.packs.encryption import Identity, read_identities
from glacier_magic.packs.encryption.identities import checked_recipient
from tests.packs.encryption.passphrases import armored, sealed_by


def test_an_identity_is_shown_by_its_recipient():
    """Not by its secret; and no error repeats one."""
    identity = Identity.new()
    assert repr(identity) == f"Identity('{identity.recipient}')"
    assert identity.text.startswith("AGE-SECRET-KEY-1")
    changed = identity.text[:-1] + ("q" if identity.text[-1] != "Q" else "P")
    for wrong in (changed, identity.recipient, "", "x"):
        with pytest.raises(InputError, match="AGE-SECRET-KEY-1") as caught:
            Identity(wrong)
        assert identity.text[20:40] not in str(caught.value)
    assert identity.text not in str(LocalError(f"a library says: {identity.text}"))


def test_the_file_is_what_age_reads(tmp_path):
    """Comments, and a line for each identity."""
    first, second = Identity.new(), Identity.new()
    file = tmp_path / "two.key"
    file.write_text(first.file() + "\n  \n" + second.file())
    assert [each.recipient for each in read_identities(file)] == [first.recipient, second.recipient]
    assert f"# public key: {first.recipient}\n" in first.file()


@pytest.mark.parametrize("form", [bytes, armored])
def test_a_file_with_a_passphrase_asks_for_it(tmp_path, form):
    """The form of ``age --passphrase``; it is asked for once."""
    identity, asked = Identity.new(), []
    file = tmp_path / "locked.key"
    file.write_bytes(form(sealed_by("correct horse", identity.file().encode())))

    def ask(answer):
        asked.append(answer)
        return answer

    found = read_identities(file, lambda: ask("correct horse"))
    assert [each.text for each in found] == [identity.text]
    assert asked == ["correct horse"]
    with pytest.raises(WrongKey, match=r"locked\.key"):
        read_identities(file, lambda: "wrong")
    with pytest.raises(WrongKey):
        read_identities(file)


def test_what_is_no_identity_file_is_refused(tmp_path):
    """With the name of the file, and none of its content."""
    secret = Identity.new().text
    for number, text in enumerate(
        ("", "# only a comment", "ssh-ed25519 AAAA", secret[:-3], secret + "\nmore")
    ):
        file = tmp_path / f"{number}.key"
        file.write_text(text)
        with pytest.raises(InputError, match=rf"{number}\.key") as caught:
            read_identities(file)
        assert secret[20:40] not in str(caught.value)
    with pytest.raises(LocalError, match="missing"):
        read_identities(tmp_path / "missing")


def test_a_recipient_is_checked():
    """A secret in its place is not repeated."""
    identity = Identity.new()
    assert checked_recipient(f" {identity.recipient}\n") == identity.recipient
    with pytest.raises(InputError, match="'age1x' is not a recipient"):
        checked_recipient("age1x")
    with pytest.raises(InputError, match="secret identity is not a recipient") as caught:
        checked_recipient(identity.text)
    assert identity.text[20:40] not in str(caught.value)
