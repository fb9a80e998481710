"""The arithmetic of prices, against examples worked out by hand from the built-in table."""

import decimal
import subprocess
import sys
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.errors import InputError, OverBudget, PriceUnknown
from glacier_magic.plans.base import dollars
from glacier_magic.prices import Figure, PriceTable, Quote, QuoteLine, money, parse_money, rate
from glacier_magic.prices.built_in import between, built_in
from glacier_magic.prices.figures import GB, ITEMS, UNLISTED
from glacier_magic.prices.money import apart, parse_price
from glacier_magic.prices.quotes import (
    OVERHEAD,
    amount_of,
    early_deletion,
    hours_left,
    other_requests,
    provisioned,
    retrieval,
    transfer_out,
    upload_requests,
)
from glacier_magic.prices.storage_costs import CLASSES, Holding, class_storage, monthly_storage
from tests import ROOT

D = decimal.Decimal
KIB = 1 << 10
DAY = 86_400_000
VAULT_REGIONS = [
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-south-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
]
FLEXIBLE, INSTANT, DEEP = CLASSES


def table(region="us-east-1", *, confirmed=True, **own):
    """The built-in figures of a region, with some replaced by ``item=price``; None for unknown."""
    figures = {f.item: f for f in built_in(region)}
    for item, price in own.items():
        name = item.replace("_", "-")
        if price is None:
            del figures[name]
        else:
            given = {"region": region, "source": "test", "date": "", "confirmed": confirmed}
            figures[name] = Figure.flat(name, D(price), **given)
    return PriceTable(region, figures)


US = table()


# Worked examples


def test_a_month_of_one_tebibyte():
    """1 TiB is 1,024 GB at 0.0036: 3.6864; its 32 KiB add 1/32,768 GB: 0.00000010986328125."""
    quote = monthly_storage(US, Holding(1 << 40, 1))
    assert quote.total == D("3.68640010986328125")
    assert quote.words() == "$3.69"
    unsure = table(storage="0.0036", confirmed=False)
    assert monthly_storage(unsure, Holding(1 << 40, 1)).words() == "$3.69 (unconfirmed)"


def test_a_month_of_a_million_tiny_archives_is_mostly_overhead():
    """A million of 1 KiB: 33 KiB each, 33,000,000/1,048,576 GB at 0.0036 = 0.1132965087890625."""
    quote = monthly_storage(US, Holding(10**6 * KIB, 10**6))
    assert quote.total == D("0.1132965087890625")
    # The bytes alone, 0.95367431640625 GB, would have been 0.003433227539...: a thirty-third.
    assert quote.total == 33 * monthly_storage(US, Holding(10**6 * KIB, 0)).total


def test_an_empty_vault_costs_nothing_even_where_no_price_is_known():
    """Nothing times an unknown price is nothing."""
    assert monthly_storage(table("mars-1"), Holding(0, 0)).total == 0


def test_standard_retrieval_is_paid_by_byte_and_by_request():
    """500 GB at 0.01 = 5.00; 2,000 requests at 0.03 for 1,000 = 0.06: 5.06."""
    assert retrieval(US, 500 * GB, 2000, "Standard").total == D("5.06")


def test_expedited_requests_cost_more_than_the_bytes():
    """1 GB at 0.03 = 0.03; 100 requests at 10.00 for 1,000 = 1.00: 1.03."""
    assert retrieval(US, GB, 100, "Expedited").total == D("1.03")


def test_bulk_retrieval_from_a_vault_is_free():
    """In the price list bulk retrieval and its requests cost 0 in every region with vaults."""
    quote = retrieval(US, 4096 * GB, 10, "Bulk")
    assert quote.total == 0
    assert quote.confirmed
    assert quote.words() == "$0"


def test_unconfirmed_figures_give_an_unconfirmed_sum():
    """4,096 GB at 0.0025 = 10.24."""
    quote = retrieval(table(retrieval_bulk="0.0025", confirmed=False), 4096 * GB, 10, "Bulk")
    assert quote.total == D("10.24")
    assert not quote.confirmed
    assert quote.words() == "$10.24 (unconfirmed)"


def test_the_free_retrieval_of_a_month_is_the_least_it_can_be():
    """12 GB at 0.01 = 0.12, one request 0.00003; 10 GB of it may be free: 0.02003."""
    quote = retrieval(US, 12 * GB, 1, "Standard")
    assert (quote.total, quote.least) == (D("0.12003"), D("0.02003"))
    assert "$0.0201 if nothing of this month's free 10 GB of standard retrieval is used" in quote.headline()
    bulk = retrieval(table(retrieval_bulk="0.01"), 12 * GB, 1, "Bulk")  # not of this tier
    assert bulk.least == bulk.total


def test_several_lines_share_one_free_allowance():
    """8 GB and 8 GB at 0.01 = 0.16; 10 GB of the 16 are free at most, not 8 of each: 0.06."""
    both = retrieval(US, 8 * GB, 0, "Standard") + retrieval(US, 8 * GB, 0, "Standard")
    assert (both.total, both.least) == (D("0.16"), D("0.06"))


def test_a_headline_names_the_sum_its_largest_part_and_what_is_not_known():
    """26 GB over the internet at 0.09 = 2.34, standard retrieval 0.26: 2.60; free 100 GB and 10 GB: 0.16."""
    quote = retrieval(US, 26 * GB, 0, "Standard") + transfer_out(US, 26 * GB, "internet")
    assert quote.headline() == (
        "$2.60, of which $2.34 is for 26 GB of transfer out to the internet; $0.1600 if nothing of this "
        "month's free 10 GB of standard retrieval and 100 GB of transfer out to the internet is used"
    )
    without = PriceTable("us-east-1", {k: v for k, v in US.figures.items() if "transfer" not in k})
    partly = retrieval(without, GB, 0, "Bulk") + transfer_out(without, GB, "internet")
    assert partly.headline() == "not known (the price of transfer out to the internet)"


@pytest.mark.parametrize(
    ("age", "paid"),
    [
        (0, "1.08"),  # 90 days are 3 months: 100 GB x 3 x 0.0036
        (45 * DAY, "0.54"),  # half of it
        (89 * DAY, "0.012"),  # a day is 1/30 month: 100 x 1/30 x 0.0036
        (90 * DAY - 60_000, "0.0005"),  # a minute is an hour begun: 100 x 1/720 x 0.0036
        (90 * DAY, "0"),
        (91 * DAY, "0"),
        (-DAY, "1.08"),  # made tomorrow by a wrong clock: not more than 90 days
    ],
)
def test_deletion_before_90_days_costs_the_storage_of_the_rest(age, paid):
    """An archive of 100 GB with its overhead, so many milliseconds old."""
    now = 1_700_000_000_000
    quote = early_deletion(US, [(100 * GB - OVERHEAD, now - age)], now)
    assert abs(quote.total - D(paid)) < D("1e-20")


def test_the_fees_of_many_archives_add_up():
    """100 GB with 45 days left, 0.54, and 100 GB with a day left, 0.012; an old one adds none."""
    now, size = 200 * DAY, 100 * GB - OVERHEAD
    fees = early_deletion(US, [(size, now - 45 * DAY), (size, now - 89 * DAY), (size, 0)], now)
    assert abs(fees.total - D("0.552")) < D("1e-20")


def test_the_fee_of_an_archive_of_unknown_age_is_unknown():
    """Also where the size of a young one is; that of an old one does not matter."""
    assert early_deletion(US, [(GB, None)], 100 * DAY).total is None
    assert early_deletion(US, [(None, 99 * DAY)], 100 * DAY).total is None
    assert early_deletion(US, [(None, 0)], 100 * DAY).total == 0
    known = early_deletion(US, [(100 * GB - OVERHEAD, 100 * DAY), (GB, None)], 100 * DAY)
    assert known.words() == "unknown (over $1.08)"


def test_every_part_of_an_upload_is_a_request():
    """1 TiB in parts of 128 MiB: 8,192 requests at 0.03 for 1,000 = 0.24576."""
    quote = upload_requests(US, (1 << 40) // (128 << 20))
    assert quote.total == D("0.24576")
    assert quote.confirmed


def test_other_requests_have_a_line_only_where_they_cost_something():
    """2,500 at 0.004 for 1,000: 0.01.  By default they are free."""
    assert other_requests(US, 2500) == Quote()
    own = table(other_requests="0.004")
    assert other_requests(own, 2500).total == D("0.01")
    assert other_requests(own, 0) == Quote()
    assert other_requests(PriceTable("mars-1", {}), 1).total is None


def test_capacity_is_bought_by_unit_and_month():
    """Two units at 100 for a month; in Frankfurt one at 120 for three."""
    assert provisioned(US, 2).total == 200
    assert provisioned(table("eu-central-1"), 1, 3).total == 360


def test_transfer_out_costs_less_a_gigabyte_the_more_it_is():
    """12,000 GB: 10,240 at 0.09 = 921.60, and 1,760 at 0.085 = 149.60: 1,071.20."""
    steps = ((D(0), D("0.09")), (D(10240), D("0.085")), (D(51200), D("0.07")))
    figure = Figure(item="transfer-out-internet", steps=steps, region="us-east-1", source="test", date="")
    prices = PriceTable("us-east-1", {figure.item: figure})
    quote = transfer_out(prices, 12_000 * GB, "internet")
    assert quote.total == D("1071.20")
    assert transfer_out(prices, 1 << 50, "here").total == 0
    assert transfer_out(prices, GB, "region").total is None


def test_deep_archive_bills_the_names_of_objects_at_the_standard_price():
    """1,024 GB + 1/32,768 at 0.00099 = 1.013760030212402...; 8 KiB at S3 Standard's price more."""
    quote = class_storage(table(s3_standard_storage=None), DEEP, Holding(1 << 40, 1))
    assert quote.total is None
    assert quote.known == (1024 + D(1) / 32768) * D("0.00099")
    assert quote.words() == "unknown (over $1.02)"
    # With 0.023 for S3 Standard, 1/131,072 GB adds 0.00000017547607421875.
    known = class_storage(US, DEEP, Holding(1 << 40, 1))
    assert known.total == quote.known + D("0.00000017547607421875")


def test_instant_retrieval_bills_128_kib_for_a_smaller_object():
    """8,192 objects of 1 KiB count as 1 GB: 0.004.  One of 1 GB beside them makes it 2 GB."""
    prices = table(instant_storage="0.004")
    tiny = Holding(8192 * KIB, 8192)
    assert class_storage(prices, INSTANT, tiny).total == D("0.004")
    both = class_storage(prices, INSTANT, tiny + Holding(GB, 1))
    assert both.total == D("0.008")
    # Without the sizes one by one it is at least the bytes, and at least 128 KiB each.
    unsure = class_storage(prices, INSTANT, Holding(GB + 8192 * KIB, 8193))
    assert unsure.total < D("0.008")
    assert "costs more" in unsure.notes[0]


def test_a_region_without_vaults_has_no_vault_price():
    """Nothing is filled in from another region: Tel Aviv has S3 and no vaults."""
    quote = retrieval(table("il-central-1"), GB, 1, "Standard")
    assert quote.total is None
    assert quote.known == 0
    assert quote.words() == "unknown"


# Budgets


def test_a_budget_is_kept_to_the_last_digit():
    """5.06 is within 5.06 and not within 5.0599."""
    quote = retrieval(US, 500 * GB, 2000, "Standard")
    quote.check(D("5.06"))
    with pytest.raises(OverBudget, match=r"\$5\.06.*\$5\.0?"):
        quote.check(D("5.0599"))


def test_a_budget_refuses_a_price_that_is_not_known():
    """And says what is missing, where, and what to do."""
    with pytest.raises(PriceUnknown, match=r"il-central-1.*price of standard retrieval") as caught:
        retrieval(table("il-central-1"), GB, 1, "Standard").check(D(1000))
    assert "--refresh" in caught.value.cure
    with pytest.raises(PriceUnknown, match="how much deletion before 90 days"):
        early_deletion(US, [(GB, None)], 0).check(D(1000))


def test_a_budget_does_not_rely_on_a_figure_that_nobody_confirms_unless_told_to():
    """And accepts it when the user does."""
    quote = retrieval(table(retrieval_bulk="0.0025", confirmed=False), GB, 1, "Bulk")
    with pytest.raises(PriceUnknown, match=r"bulk retrieval, \$0.0025 per GB, is not confirmed"):
        quote.check(D(5))
    quote.check(D(5), accept_unconfirmed=True)


def test_what_is_known_to_be_too_much_is_too_much_whatever_the_rest_costs():
    """An unknown part cannot make it less."""
    prices = table(transfer_out_internet=None)
    quote = retrieval(prices, 500 * GB, 1, "Standard") + transfer_out(prices, 500 * GB, "internet")
    with pytest.raises(OverBudget, match="more than"):
        quote.check(D(1))


def test_there_is_no_other_tier():
    """A slip is an error of the user's."""
    with pytest.raises(InputError, match="Quick"):
        retrieval(US, 1, 1, "Quick")


# Money in words


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "unknown"),
        ("0", "$0"),
        ("0.00", "$0"),
        ("0.0000001", "<$0.0001"),
        ("0.0001", "$0.0001"),
        ("0.01234", "$0.0124"),
        ("0.5", "$0.5000"),
        ("0.9999", "$0.9999"),
        ("0.99995", "$1.00"),
        ("1", "$1.00"),
        ("1.001", "$1.01"),
        ("1797", "$1,797.00"),
        ("1234567.891", "$1,234,567.90"),
    ],
)
def test_money_is_shown_by_one_rule(amount, shown):
    """In cents, or below a dollar in hundredths of them, never rounded down."""
    assert money(None if amount is None else D(amount)) == shown


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("5", "5"),
        ("$0.50", "0.5"),
        (" 1,200.00 ", "1200"),
        ("7 USD", "7"),
        (".25", "0.25"),
        ("1,000.50", "1000.5"),
        ("12,345,678", "12345678"),
        ("1000.5", "1000.5"),
    ],
)
def test_an_amount_is_read_as_people_write_it(text, amount):
    """With or without the sign."""
    assert parse_money(text) == D(amount)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "5 EUR",
        "NaN",
        "1e3",
        "five",
        "$",
        "1.2.3",
        "∞",
        "5,50",
        "1,0000",
        "1,000,00",
        "1000,000",
        ",500",
        "5,",
        "1.000,50",
        "5,000",
        "1" + 30 * "0",
        True,
        5.0,
        None,
        -1,
        10**30,
        D("1e30"),
        D("1e-999999"),
        D("Infinity"),
        D("NaN"),
        D("sNaN"),
    ],
)
def test_what_is_no_amount_is_refused(text):
    """Nothing is guessed: a decimal comma, say, would make a hundred times as much of it."""
    with pytest.raises(ValueError, match="not an amount"):
        parse_money(text)
    with pytest.raises(InputError, match="not an amount"):
        dollars(text)


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("5,000", "write 5000 or 5.000"),
        ("$5,000 ", "write 5000 or 5.000"),
        ("1,5", "write 1.5"),
        ("1.000,50", "write 1000.50"),
        ("1000,000", "write 1000000 or 1000.000"),
    ],
)
def test_a_number_that_can_be_read_in_two_ways_is_refused(text, how):
    """As an amount, and as a price in the file of the user's own."""
    for parse in (parse_money, parse_price):
        with pytest.raises(ValueError, match=how):
            parse(text)
    assert parse_money("5.000") == 5


def test_a_price_with_grouped_digits_names_the_number():
    """The file takes plain numbers."""
    with pytest.raises(ValueError, match=r"write 1000\.50"):
        parse_price("1,000.50")


@pytest.mark.parametrize("value", [None, True, -1, "-0.1", "nan", "inf", "x", 0.1, []])
def test_what_is_no_price_is_refused(value):
    """A float among them: it has been rounded already."""
    with pytest.raises(ValueError, match="not a price"):
        parse_price(value)


def test_a_rate_keeps_four_digits_and_cents():
    """Without zeros behind them, and rounded up."""
    shown = {"0.00008991081215441226959228515625": "$0.00008992", "1234.5678": "$1234.57", "1e5": "$100000"}
    assert {price: rate(D(price)) for price in shown} == shown
    assert [rate(D(p)) for p in ("0.0036000000", "10.00", "0", "100")] == ["$0.0036", "$10", "$0", "$100"]
    assert rate(None) == "unknown"
    assert amount_of(D("0.00000001")) == "<0.0001"
    assert amount_of(D("1234.5000")) == "1,234.5"


@given(st.decimals(0, 10**9, allow_nan=False, allow_infinity=False))
def test_what_is_shown_is_never_less_than_what_is_meant(amount):
    """And never more than a cent off."""
    shown = money(amount)
    read = D("0.0001") if shown.startswith("<") else parse_money(shown)
    assert amount <= read <= amount + D("0.01")


@given(st.decimals(0, 10**9, places=12), st.decimals(0, 10**9, places=12))
def test_a_cost_and_its_limit_are_shown_apart(one, other):
    """In four digits or in cents if these tell them apart; the higher one never looks lower."""
    cost, limit = apart(one, other)
    assert (cost == limit) == (one == other)
    if one > other:
        assert parse_money(cost) > parse_money(limit)
        assert one <= parse_money(cost)


def test_an_enormous_amount_is_shown_as_enormous():
    """A Decimal has 28 digits only."""
    assert money(D(10) ** 30) == money(D("Infinity")) == ">$1,000,000,000,000,000"
    with pytest.raises(PriceUnknown, match="stay within >"):
        retrieval(table("il-central-1"), GB, 1, "Standard").check(D(10) ** 30)


# What holds for all quotes

bytes_ = st.integers(0, 1 << 56)
counts = st.integers(0, 10**9)
tiers = st.sampled_from(["Expedited", "Standard", "Bulk"])
quotes_ = st.one_of(
    st.builds(lambda b, n: monthly_storage(US, Holding(b, n)), bytes_, counts),
    st.builds(lambda b, n, t: retrieval(US, b, n, t), bytes_, counts, tiers),
    st.builds(lambda k, b, n: class_storage(US, k, Holding(b, n)), st.sampled_from(CLASSES), bytes_, counts),
    st.builds(lambda n: upload_requests(US, n), counts),
    st.builds(lambda b, t: transfer_out(US, b, t), bytes_, st.sampled_from(["here", "region", "internet"])),
    st.builds(
        lambda found: early_deletion(US, found, 200 * DAY),
        st.lists(st.tuples(st.none() | bytes_, st.none() | st.integers(0, 300 * DAY))),
    ),
)


@given(quotes_, quotes_)
def test_quotes_add_up_and_are_never_negative(one, other):
    """The sum's lines are both quotes' lines; one unknown makes the sum unknown."""
    both = one + other
    assert both.lines == one.lines + other.lines
    assert abs(both.known - one.known - other.known) <= D("1e-9")
    assert (both.total is None) == (one.total is None or other.total is None)
    assert both.confirmed == (one.confirmed and other.confirmed)
    assert min(one.known, other.known, both.known) >= 0
    assert "Total: " in repr(both)
    assert 0 <= both.least <= both.known
    # Not their sum: together, two transfers may reach a lower price.
    assert both.least + D("1e-9") >= max(one.least, other.least)


@given(bytes_, bytes_, counts, counts, tiers)
def test_more_never_costs_less(size, more_size, count, more, tier):
    """In bytes, and in requests or archives."""
    bigger = size + more_size
    for price in (
        lambda b, n: monthly_storage(US, Holding(b, n)),
        lambda b, n: retrieval(US, b, n, tier),
        lambda b, n: class_storage(US, DEEP, Holding(b, n)),
    ):
        assert price(size, count).known <= price(bigger, count).known
        assert price(size, count).known <= price(size, count + more).known


@given(st.lists(st.builds(Holding, bytes_, counts), min_size=1))
def test_a_month_of_all_costs_the_sum_of_the_rows(holdings):
    """In a vault, and in each storage class."""
    total = sum(holdings, Holding(0, 0))
    flat = table(s3_standard_storage="0.023")  # in steps, all together cost less
    for price in (partial(monthly_storage, flat), *(partial(class_storage, flat, kind) for kind in CLASSES)):
        assert abs(price(total).total - sum(price(each).total for each in holdings)) < D("1e-9")


@given(st.integers(-DAY, 100 * DAY), st.integers(0, 100 * DAY))
def test_waiting_never_makes_a_deletion_dearer(age, longer):
    """And after 90 days it is free."""
    assert hours_left(0, age) >= hours_left(0, age + longer)
    assert 0 <= hours_left(0, age) <= 90 * 24
    assert (hours_left(0, age) == 0) == (age >= 90 * DAY)


# The table itself


@pytest.mark.parametrize("region", VAULT_REGIONS)
def test_every_region_with_vaults_has_every_price(region):
    """Each names its source and date, and only what no list names is unconfirmed."""
    figures = built_in(region)
    assert {f.item for f in figures} == {*ITEMS} - {*UNLISTED}
    assert len(figures) == len(ITEMS) - len(UNLISTED)
    for figure in figures:
        assert figure.region in (region, "all")
        assert figure.date
        assert figure.cite().startswith(figure.source)
    assert {f.item for f in figures if not f.confirmed} == {
        "other-requests",
        "free-retrieval",
        "free-transfer-out",
    }
    bulk = {f.item: f.price for f in figures if f.item.startswith("retrieval-bulk")}
    assert bulk == {"retrieval-bulk": 0, "retrieval-bulk-requests": 0}
    prices = table(region)
    uploads, standard = prices.figure("upload-requests"), prices.figure("retrieval-standard-requests")
    assert uploads.price == standard.price  # one product of the list


def test_a_region_has_the_steps_of_its_transfer_prices():
    """us-east-1: 0.09 for the first 10 TB, 0.05 from 150 TB on; 12,000 GB are 1,071.20."""
    assert table().figure("transfer-out-internet").steps == (
        (0, D("0.09")),
        (10240, D("0.085")),
        (51200, D("0.07")),
        (153600, D("0.05")),
    )
    assert transfer_out(US, 12_000 * GB, "internet").total == D("1071.20")


def test_the_price_between_two_regions_is_that_of_the_pair():
    """From us-east-1: 0.01 to Ohio, 0.02 to most others, 0.08 to one; none to a place unknown."""
    assert between("us-east-1", "us-east-2").price == D("0.01")
    assert between("us-east-1", "eu-west-1").price == D("0.02")
    assert between("us-east-1", "ap-southeast-7").price == D("0.08")
    assert between("us-east-1", "mars-1") is None
    assert between("mars-1", "us-east-1") is None


def test_the_shipped_list_is_what_the_script_makes():
    """From the copies of AWS's lists in ``scripts/prices``."""
    command = [sys.executable, str(ROOT / "scripts" / "write_prices.py"), "--check"]
    subprocess.run(command, check=True, timeout=60)


def test_a_quote_shows_its_lines_and_their_sources():
    """As text and as HTML."""
    quote = retrieval(US, 500 * GB, 2000, "Standard")
    assert "AmazonGlacier (copy), 2024-08-26" in repr(quote)
    assert "$0.01" in quote._repr_mimebundle_()["text/html"]
    empty = Quote((QuoteLine(Figure.unknown("storage", "x<y"), D(1)),))
    assert "not known" in repr(empty)


def test_a_tiny_limit_is_told_with_its_digits():
    """Not as the amount that it would be rounded to, nor with digits that nobody reads."""
    quote = retrieval(US, 500 * GB, 2000, "Standard")
    with pytest.raises(OverBudget, match=r"over the limit of \$0\.00001\."):
        quote.check(D("0.00001"))
    tiny = monthly_storage(US, Holding(25 << 20, 1))
    assert str(tiny.total) == "0.0000880004882812500"
    with pytest.raises(OverBudget, match=r"costs \$0\.00008801, over the limit of \$0\.00001\."):
        tiny.check(D("0.00001"))
