"""What a restore plan says it costs, against examples worked out by hand from the price table.

The figures are those of us-east-1 in the package: standard 0.01 for a GB and 0.03 for 1,000
requests, expedited 0.03 and 10.00, bulk 0.0025 and 0.025 (not confirmed).  A GB is 1,073,741,824
bytes.  No transfer price is in the package; where one is needed, 0.09 for a GB is configured.
"""

import decimal
from datetime import UTC, datetime

import pytest

from glacier_magic.errors import InputError, OverBudget, PriceUnknown
from glacier_magic.plans import Tiers
from glacier_magic.plans.restore.quoting import (
    Asking,
    checked_destination,
    destination_words,
    quote_for,
    when_ready,
)
from glacier_magic.prices import Figure, PriceTable
from glacier_magic.prices.built_in import built_in
from glacier_magic.prices.figures import GB
from glacier_magic.service import ServiceClock

D = decimal.Decimal
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def table(region="us-east-1", *, without=(), **own):
    """The built-in figures of a region, with some replaced by unconfirmed ones, ``item=price``."""
    figures = {f.item: f for f in built_in(region) if f.item not in without}
    for item, price in own.items():
        name = item.replace("_", "-")
        figures[name] = Figure.flat(name, D(price), region=region, source="test", date="", confirmed=False)
    return PriceTable(region, figures)


US = table()
BARE = table(without=["transfer-out-internet"])


def priced(size, count, tier="Standard", to="here", prices=US, **more):
    return quote_for(prices, Asking(requests=count, bytes=size, out=size, **more), tier, to)


# Worked examples


def test_standard_is_by_byte_and_by_request():
    """250 GB at 0.01 = 2.50; 1,000 requests at 0.03 for 1,000 = 0.03: 2.53."""
    assert priced(250 * GB, 1000).total == D("2.53")
    assert priced(250 * GB, 1000).confirmed


def test_expedited_is_three_times_the_bytes_and_333_times_the_requests():
    """250 GB at 0.03 = 7.50; 1,000 requests at 10.00 for 1,000 = 10.00: 17.50."""
    assert priced(250 * GB, 1000, "Expedited").total == D("17.50")


def test_bulk_is_free():
    """Both the bytes and the requests; over the internet, 250 GB at 0.09 = 22.50."""
    assert priced(250 * GB, 1000, "Bulk").total == 0
    assert priced(250 * GB, 1000, "Bulk").confirmed
    assert priced(250 * GB, 1000, "Bulk", to="internet").total == D("22.50")


def test_a_million_tiny_archives_are_paid_by_the_request():
    """10^6 x 1,024 bytes = 0.95367431640625 GB at 0.01 = 0.0095367431640625; 1,000 x 0.03 = 30."""
    assert priced(1024 * 10**6, 10**6).total == D("30.0095367431640625")


def test_the_overhead_of_storage_is_no_part_of_a_retrieval():
    """32 archives of 1 GB: 32 GB at 0.01 = 0.32; 32 requests = 0.00096; 32 x 32 KiB add nothing.

    With them it would have been 32 x 32,768/1,073,741,824 x 0.01 = 0.0000097656 more.
    """
    assert priced(32 * GB, 32).total == D("0.32096")


def test_one_byte():
    """1/1,073,741,824 GB at 0.01 = 9.313225746154785E-12; one request at 0.03/1,000 = 0.00003."""
    quote = priced(1, 1)
    assert quote.total == D(1) / GB * D("0.01") + D("0.00003")
    assert D("0.00003") < quote.total < D("0.0000300001")
    assert quote.words() == "<$0.0001"
    assert quote.lines[1].words() == "1 standard retrieval request"


def test_a_petabyte():
    """2^50 bytes = 1,048,576 GB: 10,485.76 at 0.01; 28,000 archives 0.84: 10,486.60.

    Transfer out: 10 TB at 0.09, 40 at 0.085, 100 at 0.07, 874 at 0.05: 56,320.00 more.
    """
    assert priced(1 << 50, 28_000).total == D("10486.60")
    assert priced(1 << 50, 28_000, to="internet", prices=US).total == D("66806.60")


def test_a_price_of_other_requests_enters_the_quote():
    """100 output requests at 0.05 for 1,000 = 0.005; by default they are free and have no line."""
    staged = Asking(requests=0, bytes=0, out=100 << 24, outputs=100)
    assert quote_for(table(other_requests="0.05"), staged, "Bulk", "here").total == D("0.005")
    items = [line.figure.item for line in quote_for(US, staged, "Bulk", "here").lines]
    assert "other-requests" not in items


def test_nothing_to_ask_for_costs_nothing_in_any_tier():
    """Zero archives: also where no price is known, and whatever the limit."""
    for prices in (US, table("mars-1")):
        for tier in ("Expedited", "Standard", "Bulk"):
            for to in ("here", "region", "internet"):
                quote = priced(0, 0, tier, to, prices)
                assert quote.total == 0
                assert quote.notes == ()
                quote.check(D(0))


def test_staged_archives_pay_for_the_way_out_only():
    """Nothing asked, 10 GB fetched: 10 x 0.09 = 0.90; to another region 10 x 0.08 at most = 0.80."""
    staged = Asking(requests=0, bytes=0, out=10 * GB)
    assert quote_for(US, staged, "Standard", "internet").total == D("0.90")
    assert quote_for(US, staged, "Expedited", "region").total == D("0.80")
    assert quote_for(US, staged, "Bulk", "here").total == 0


def test_the_way_out_is_paid_for_what_is_fetched_not_for_what_is_asked():
    """4 GB asked (0.04 + 2 requests 0.00006), 6 GB staged besides: 10 GB out at 0.09 = 0.90."""
    both = Asking(requests=2, bytes=4 * GB, out=10 * GB)
    assert quote_for(US, both, "Standard", "internet").total == D("0.94006")


def test_the_free_allowance_is_never_taken_for_granted():
    """10 GB may be free each month: 10 GB are still 0.10, and one request 0.00003, which is the least.

    No call of the service says how much of it is used this month.
    """
    quote = priced(10 * GB, 1)
    assert quote.total == D("0.10003")
    assert quote.least == D("0.00003")


@pytest.mark.parametrize(
    ("count", "requests"), [(1, "0.00003"), (999, "0.02997"), (1000, "0.03"), (1001, "0.03003")]
)
def test_a_request_is_a_thousandth_of_its_price_not_a_thousand_begun(count, requests):
    """Around the thousand, for archives of no weight."""
    assert priced(0, count).total == D(requests)


def test_a_price_that_is_not_known_makes_the_sum_unknown():
    """Without a transfer price, 250 GB cost more than 2.53, and how much is unknown."""
    quote = priced(250 * GB, 1000, to="internet", prices=BARE)
    assert quote.total is None
    assert quote.known == D("2.53")
    assert quote.words() == "unknown (over $2.53)"
    with pytest.raises(PriceUnknown, match="transfer out to the internet is not known"):
        quote.check(D(100))
    with pytest.raises(OverBudget):
        quote.check(D("2.52"))


def test_an_archive_of_unknown_size_makes_the_sum_unknown():
    """One of two: the other's 1 GB is 0.01, and both requests are 0.00006."""
    quote = priced(GB, 2, unsized=1, out_unsized=1)
    assert quote.total is None
    assert quote.known == D("0.01006")
    with pytest.raises(PriceUnknown, match="how much standard retrieval"):
        quote.check(D(100))
    assert priced(GB, 2, "Bulk", unsized=1).total == 0  # however large it is
    words = destination_words(US, Asking(requests=0, bytes=0, out=GB, out_unsized=1), "internet")
    assert words.startswith("over the internet: $0.0900 and more. ")
    wired = priced(GB, 2, to="internet", prices=US, unsized=1, out_unsized=1)
    assert wired.known == D("0.10006")
    assert sum(line.quantity is None for line in wired.lines) == 2


@pytest.mark.parametrize(
    ("region", "to", "total", "least"),
    [
        # 189 GB: retrieval 1.89, requests 0.00567; out 17.01, at most 15.12, 3.78, 0.
        ("us-east-1", "internet", "18.90567", "9.80567"),  # free: 10 GB (0.10) and 100 GB (9.00)
        ("us-east-1", "region", "17.01567", "16.91567"),
        ("us-east-1", "eu-central-1", "5.67567", "5.57567"),
        ("us-east-1", "here", "1.89567", "1.79567"),
        # Retrieval 189 x 0.012 = 2.268, requests 0.006804; out the same.
        ("eu-central-1", "internet", "19.284804", "10.164804"),  # free: 10 GB (0.12) and 100 GB (9.00)
        ("eu-central-1", "region", "17.394804", "17.274804"),
        ("eu-central-1", "us-east-1", "6.054804", "5.934804"),
        ("eu-central-1", "here", "2.274804", "2.154804"),
    ],
)
def test_189_gigabytes_to_each_destination(region, to, total, least):
    """189 archives of 1 GB each, as standard retrievals, worked out by hand."""
    quote = priced(189 * GB, 189, to=to, prices=table(region))
    assert (quote.total, quote.least) == (D(total), D(least))


# Side by side


def tiers(prices=US, to="internet", chosen="Standard", **asking):
    given = {"requests": 1000, "bytes": 250 * GB, "out": 250 * GB} | asking
    return Tiers(prices, Asking(**given), destination=to, chosen=chosen, now=NOW)


def test_the_tiers_stand_side_by_side_as_data():
    """The lines, the sum and the times of each; 250 GB out at 0.09 are 22.50."""
    found = tiers().table.set_index("tier")
    assert list(found.index) == ["Expedited", "Standard", "Bulk"]
    assert found["retrieval"].tolist() == [D("7.50"), D("2.50"), D("0")]
    assert found["requests"].tolist() == [D("10.00"), D("0.03"), D("0")]
    assert found["transfer_out"].tolist() == [D("22.50")] * 3
    assert found["price"].tolist() == [D("40.00"), D("25.03"), D("22.50")]
    assert found["confirmed"].tolist() == [True, True, True]
    assert found["chosen"].tolist() == [False, True, False]
    hours = [(t - NOW).total_seconds() / 3600 for t in found["earliest"]]
    assert hours == [1 / 60, 3, 5]
    assert [(t - NOW).total_seconds() / 3600 for t in found["latest"]] == [1 / 12, 5, 12]
    assert tiers()["bulk"].quote.total == D("22.50")
    assert len(tiers()) == 3


def test_the_tiers_as_choices_of_a_few_words():
    """Price, time, and whether a limit excludes it; the largest have no time in the fastest tier."""
    assert tiers().choices(D("25.03")) == {
        "Expedited": ("$40.00", "in 1 to 5 min", "over the limit"),
        "Standard": ("$25.03", "in 3 to 5 h"),
        "Bulk": ("$22.50", "in 5 to 12 h"),
    }
    slow = tiers(largest=GB, chosen="Expedited")
    assert slow.choices()["Expedited"] == ("$40.00", "in 1 min or more")
    assert slow.when().startswith("ready from ")
    assert tiers().when().startswith("ready ")
    assert tiers(requests=0).when() == ""


def test_the_tiers_stand_side_by_side_as_text_and_html():
    """What is unknown or not confirmed is marked, and each price has its source."""
    prices = table(without=["transfer-out-internet"], retrieval_bulk="0.0025")
    text = repr(tiers(prices=prices, chosen="Bulk"))
    for words in (
        "Bulk (this plan)",
        "$0.6250 (unconfirmed)",
        "unknown (over $2.53)",
        "$17.50",
        "AWS price lists of 2024-08-26 to 2025-12-02 (copies)",
        "--refresh",
        "not confirmed",
    ):
        assert words in text
    html = tiers(prices=prices)._repr_mimebundle_()["text/html"]
    assert "AmazonGlacier (copy), 2024-08-26" in html
    assert "unknown (over $2.53)" in html
    assert html.count("<tr>") == 4


def test_tiers_without_anything_to_ask_for_have_no_times():
    """There is nothing to wait for."""
    found = tiers(requests=0, bytes=0)
    assert found["Bulk"].earliest is None
    assert "nothing to wait for" in repr(found)
    assert found.table["latest"].isna().all()
    assert found["Standard"].quote.total == D("22.50")


def test_minutes_are_not_promised_for_a_large_archive():
    """The documented limit is some 250 MB."""
    large = tiers(largest=GB)
    assert "250 MB" in repr(large)
    assert large["Expedited"].latest is None
    assert "250 MB" not in repr(tiers(largest=1000))
    assert "250 MB" in when_ready("Expedited", ServiceClock(), largest=GB)
    assert "in 1 min to 5 min" in when_ready("Expedited", ServiceClock(), largest=1000)


def test_where_the_bytes_go_is_the_internet_unless_told_otherwise(monkeypatch):
    """It cannot be known from here; a wrong word is an error wherever it comes from."""
    assert checked_destination(None) == "internet"
    monkeypatch.setenv("GLACIER_MAGIC_DESTINATION", "here")
    assert checked_destination(None) == "here"
    monkeypatch.setenv("GLACIER_MAGIC_DESTINATION", "home")
    with pytest.raises(InputError, match="home"):
        checked_destination(None)
    with pytest.raises(InputError, match="moon"):
        checked_destination("moon")


def test_a_region_is_a_destination_with_a_price_of_its_own():
    """100 GB from us-east-1: 0.02 to eu-west-1, 0.01 to us-east-2, 0.08 to the dearest, 0 within."""
    staged = Asking(requests=0, bytes=0, out=100 * GB)
    prices = {to: quote_for(US, staged, "Bulk", to).total for to in ("eu-west-1", "us-east-2", "us-east-1")}
    assert prices == {"eu-west-1": D("2.00"), "us-east-2": D("1.00"), "us-east-1": 0}
    words = destination_words(US, staged, checked_destination("us-east-2"))
    assert words == (
        "to us-east-2: $1.00. Elsewhere: over the internet: $9.00 (destination='internet'); to another "
        "region of AWS: $8.00 at most (destination='region', or its name); to a computer in the vault's "
        "region: $0 (destination='here')"
    )
