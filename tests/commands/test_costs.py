"""``%glacier cost``: a month of storage on the emulator, and the prices it is reckoned with."""

import decimal
import os
import sqlite3
from pathlib import Path

import pytest

from glacier_magic.base.paths import data_folder
from glacier_magic.commands import VERBS, Console, run
from glacier_magic.errors import CredentialsError, InputError, NotFound
from glacier_magic.prices.storage_costs import CLASSES, Holding, class_storage
from tests.faces import Face

D = decimal.Decimal
GB = 1 << 30
OWN = """
[all]
storage = 1
flexible-storage = 1
s3-standard-storage = 10
deep-archive-storage = 0.5
"""


@pytest.fixture
def glacier(session_place, emulator, region, monkeypatch):
    """Run a line of words on a console that is connected to the emulator."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(session_place))
    console = Console(Face())

    def glacier(*words):
        return run(console, VERBS, words)

    glacier("connect", "--data", str(emulator.folder), "--region", region)
    yield glacier
    console.close()


@pytest.fixture
def own():
    """Prices of the user's own: one dollar for a GB-month."""
    file = data_folder() / "prices.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(OWN)


@pytest.fixture
def two_vaults(client, put, emulator):
    """One with two archives of a kibibyte, one without an inventory."""
    client.create_vault(vaultName="full")
    for name in ("a.tif", "b.tif"):
        put(name, bytes(1024), vault="full")
    emulator.advance(days=1.2)
    client.create_vault(vaultName="new")


def test_the_month_by_vault_is_as_the_inventories_say(glacier, own, two_vaults):
    """Two archives of 33 KiB billed at a dollar for a GB: 66/1,048,576."""
    costs = glacier("cost")
    table = costs.table.set_index("vault")
    assert list(table.index) == ["full", "new"]
    assert table.loc["full", "archives"] == 2
    assert table.loc["full", "size"] == 2048  # without the overhead that the service counts in
    assert table.loc["full", "month"] == D(66) / (1 << 20)
    # The same 66 KiB, and 16 KiB at ten dollars: (66 + 160) / 1,048,576.
    assert table.loc["full", "flexible"] == D(226) / (1 << 20)
    assert table.loc["full", "deep_archive"] == D(33 + 160) / (1 << 20)
    assert table.loc["full", "instant"] is None
    assert table.loc["new", "month"] == 0
    assert costs.total.total == D(66) / (1 << 20)
    text = repr(costs)
    assert "in total" in text
    assert "oldest is of" in text
    assert "No inventory yet, only what this catalogue stored: new" in text
    assert "4 from your configuration" in text
    assert "--refresh" in text  # Instant Retrieval has no price


def test_a_vault_without_an_inventory_costs_what_this_catalogue_stored(glacier, own, two_vaults, tmp_path):
    """The service would report no archives until the next day."""
    (tmp_path / "c.tif").write_bytes(bytes(1024))
    glacier("upload", str(tmp_path / "c.tif"), "--vault", "new")
    table = glacier("cost").table.set_index("vault")
    assert list(table.loc["new", ["archives", "size", "month"]]) == [1, 1024, D(33) / (1 << 20)]


def test_one_vault_alone(glacier, own, two_vaults):
    """And the total is left out; one that does not exist is an error."""
    costs = glacier("cost", "full")
    assert list(costs.table["vault"]) == ["full"]
    assert "in total" not in repr(costs)
    with pytest.raises(NotFound):
        glacier("cost", "nowhere")


def test_without_a_price_the_month_is_unknown_and_says_what_to_do(glacier, two_vaults):
    """Nothing is borrowed from another region; at another's prices it is known."""
    costs = glacier("cost")
    assert costs.table["month"].iloc[0] is None
    assert "unknown" in repr(costs)
    assert "--refresh" in repr(costs)
    elsewhere = glacier("cost", "--region", "us-east-1")
    assert elsewhere.table["month"].iloc[0] == D(66) * D("0.0036") / (1 << 20)
    assert "36 from AWS price lists of 2024-08-26 to 2025-12-02 (copies)" in repr(elsewhere)


def test_the_month_by_folder_is_reckoned_from_the_catalogue(glacier, own, files):
    """At the depth asked for; files above it are counted where they lie."""
    glacier("create", "photos")
    for name in ("top.tif", "a/1.tif", "a/b/2.tif", "a/b/c/3.tif", "z/4.tif"):
        files(name, bytes(1024 + len(name)))
    glacier("upload", "--recursive", ".")
    one = glacier("cost", "--depth", "1").table.set_index("folder")
    assert one["archives"].to_dict() == {"./": 1, "a/": 3, "z/": 1}
    two = glacier("cost", "photos", "--depth", "2").table.set_index("folder")
    assert two["archives"].to_dict() == {"./": 1, "a/": 1, "a/b/": 2, "z/": 1}
    assert two.loc["a/", "size"] == 1024 + 7
    assert two.loc["a/", "month"] == D(33 * 1024 + 7) / GB
    assert "No inventory read yet" in repr(glacier("cost", "--depth", "1"))


def test_the_total_is_the_sum_of_the_rows(glacier, files):
    """Also where tiny archives, of which Instant Retrieval bills 128 KiB each, are beside large ones."""
    glacier("create", "photos")
    for name, size in (("tiny/1", 1), ("tiny/2", 2), ("large/1", 400_000)):
        files(name, size)
    glacier("upload", "--recursive", ".")
    costs = glacier("cost", "photos", "--depth", "1", "--region", "us-east-1")
    every = sum(costs.holdings.values(), Holding(0, 0))
    total = costs.total.total, *(class_storage(costs.prices, kind, every).total for kind in CLASSES)
    assert tuple(costs.table[["month", "flexible", "instant", "deep_archive"]].sum()) == total
    assert costs.table["instant"].sum() == D(2 * 131_072 + 400_000) * D("0.004") / GB


def test_an_archive_of_unknown_size_is_counted_as_empty(glacier, own, emulator, region, files):
    """Its overhead is paid for certain; a note says how many there are."""
    glacier("create", "photos")
    glacier("upload", str(files("a/x", 1024)))
    catalogue = Path(os.environ["GLACIER_MAGIC_CATALOGUE"])
    with sqlite3.connect(catalogue) as raw:
        raw.execute("UPDATE archive_rows SET size=NULL")
        raw.execute("UPDATE folders SET bytes=0")
    raw.close()
    costs = glacier("cost", "--depth", "1")
    assert costs.table["month"].tolist() == [D(32 * 1024) / GB]
    assert "1 archive of unknown size counted as empty" in repr(costs)


def test_a_region_without_vaults_costs_nothing(glacier, own):
    """An empty table, not an error."""
    costs = glacier("cost")
    assert costs.total.total == 0
    assert len(costs.table) == 0
    assert "in total" in repr(costs)


def test_the_prices_are_shown_with_their_sources(glacier, own):
    """Each figure, the unknown ones too, and the file of the user's own."""
    prices = glacier("cost", "--prices", "--region", "us-east-1")
    table = prices.table.set_index("item")
    assert table.loc["storage", "origin"] == "your configuration"
    assert table.loc["retrieval-standard", "price"] == D("0.01")
    assert table.loc["retrieval-standard", "date"] == "2024-08-26"
    assert table["confirmed"].to_dict()["other-requests"] is False
    assert table.loc["instant-storage", "origin"] == "built-in table"
    assert "  10 GB  month " in repr(prices)
    assert "prices.toml" in repr(prices)
    html = prices._repr_mimebundle_()["text/html"]
    assert "<td" in html
    assert "unconfirmed" in html


def test_a_vaults_name_cannot_write_html(glacier, own):
    """Nor can a folder's, or a source's."""
    file = data_folder() / "prices.toml"
    file.write_text('[all]\nstorage = { price = 1, source = "<script>" }\n')
    assert "<script>" not in glacier("cost", "--prices")._repr_mimebundle_()["text/html"]
    glacier("create", "photos")
    assert "<script>" not in glacier("cost")._repr_mimebundle_()["text/html"]


def test_a_refresh_without_credentials_says_so(glacier):
    """The emulator's keys are not AWS's."""
    with pytest.raises(CredentialsError):
        glacier("cost", "--refresh", "--region", "us-east-1")


@pytest.mark.parametrize(
    "words",
    [
        ("--prices", "photos"),
        ("--refresh", "--depth", "1"),
        ("--depth", "0"),
        ("--depth", "x"),
        ("--depth", "-1"),
        ("--region", "../x"),
        ("--region", "mars-1"),
        ("--region", "mars-1", "--prices"),
    ],
)
def test_a_slip_is_an_error(glacier, words):
    """With a cure, and nothing asked."""
    with pytest.raises(InputError):
        glacier("cost", *words)
