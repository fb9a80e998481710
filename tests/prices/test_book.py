"""Where figures come from: the user's file, the AWS Price List, the table in the package."""

import decimal
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.base.paths import data_folder
from glacier_magic.commands.cost import Prices
from glacier_magic.errors import AccessDenied, CredentialsError, InputError, LocalError, NotFound, Unavailable
from glacier_magic.prices import load, quotes, refresh
from glacier_magic.prices.built_in import between
from glacier_magic.prices.figures import CONFIGURED, ITEMS, LIST, PACKAGE
from glacier_magic.prices.offers import OFFERS, read
from glacier_magic.service.client import WHOLE_TRIES
from glacier_magic.service.pricelist import home as asked_at

D = decimal.Decimal
GLACIER, DEEP, S3, INTERNET, REGIONS = OFFERS


def product(usage, unit, *prices, description="", sku="SKU", operation="", to="", **more):
    """One product as GetProducts answers it: JSON in text; *prices* are (begin, end, USD)."""
    rates = {
        f"{sku}.JRTCKXETXF.{n}": {
            "unit": unit,
            "beginRange": begin,
            "endRange": end,
            "description": description or f"${price} per {unit}",
            "appliesTo": [],
            "rateCode": f"{sku}.JRTCKXETXF.{n}",
            "pricePerUnit": {"USD": price},
        }
        for n, (begin, end, price) in enumerate(prices)
    }
    term = {
        "priceDimensions": rates,
        "sku": sku,
        "effectiveDate": "2026-11-01T00:00:00Z",
        "offerTermCode": "JRTCKXETXF",
        "termAttributes": {},
    }
    whole = {
        "product": {
            "productFamily": "Storage",
            "attributes": {
                "usagetype": usage,
                "regionCode": "eu-west-1",
                "operation": operation,
                **({"toRegionCode": to} if to else {}),
            },
            "sku": sku,
        },
        "serviceCode": "AmazonGlacier",
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}},
        "version": "20261101000000",
        "publicationDate": "2026-11-20T10:00:00Z",
    }
    return json.dumps(whole | more)


def flat(usage, unit, price, **more):
    return product(usage, unit, ("0", "Inf", price), **more)


ANSWERS = {
    "AmazonGlacier": [
        flat("EU-TimedStorage-ByteHrs", "GB-Mo", "0.0040500000"),
        flat("EU-EarlyDelete-ByteHrs", "GB-Mo", "0.0040500000"),
        flat("EU-Standard-Retrieval-Bytes", "GB", "0.0100000000"),
        flat("EU-Bulk-Retrieval-Bytes", "GB", "0.0025000000"),
        flat(
            "EU-Requests-Tier1",
            "Requests",
            "0.0000330000",
            description="$0.033 per 1,000 UPLOAD and RETRIEVAL requests",
        ),
        flat("EU-Requests-Tier2", "Requests", "0.0000275000"),
        flat("EU-ProvisionedCapacity", "Units", "110.0000000000"),
        flat("EU-Std-Select-Scanned-Bytes", "GB", "0.0080000000"),
    ],
    "AmazonS3GlacierDeepArchive": [flat("EU-TimedStorage-GDA-ByteHrs", "GB-Mo", "0.0009900000")],
    "AmazonS3": [
        product(
            "EU-TimedStorage-ByteHrs",
            "GB-Mo",
            ("512000", "Inf", "0.0210000000"),
            ("0", "51200", "0.0230000000"),
            ("51200", "512000", "0.0220000000"),
        ),
        flat("EU-TimedStorage-GIR-ByteHrs", "GB-Mo", "0.0040000000"),
        flat("EU-TimedStorage-GlacierByteHrs", "GB-Mo", "0.0036000000"),
    ],
    "AWS Outbound": [
        product(
            "EU-DataTransfer-Out-Bytes",
            "GB",
            ("0", "10240", "0.0900000000"),
            ("10240", "Inf", "0.0850000000"),
        ),
        flat("Global-DataTransfer-Out-Bytes", "GB", "0.0000000000"),
    ],
    "InterRegion Outbound": [
        flat("EU-USE1-AWS-Out-Bytes", "GB", "0.0200000000", to="us-east-1"),
        flat("EU-AFS1-AWS-Out-Bytes", "GB", "0.1470000000", to="af-south-1"),
        flat("EU-USE1WL1ATL1-AWS-Out-Bytes", "GB", "0.9", to="us-east-1-wl1-atl-wlz-1"),
    ],
}


class PriceList:
    """A server that answers GetProducts as AWS documents it, two products a page."""

    def __init__(self):
        self.requests, self.answers, self.faults = [], dict(ANSWERS), []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append((self.headers["X-Amz-Target"], body))
                status, answer = outer.faults.pop(0) if outer.faults else (200, outer.page(body))
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def page(self, body):
        filters = {f["Field"]: f["Value"] for f in body["Filters"]}
        found = self.answers.get(filters.get("transferType", body["ServiceCode"]), [])
        start = int(body.get("NextToken", "0"))
        more = {"NextToken": str(start + 2)} if start + 2 < len(found) else {}
        return {"FormatVersion": "aws_v1", "PriceList": found[start : start + 2], **more}

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def listed(monkeypatch):
    """The price list that boto3 finds, and credentials to ask it with."""
    server = PriceList()
    monkeypatch.setenv("AWS_ENDPOINT_URL_PRICING", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    yield server
    server.close()


def write(text, name="prices.toml"):
    file = data_folder() / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


# The AWS Price List


def test_a_refresh_asks_for_all_pages_and_keeps_what_it_understands(listed, session):
    """The next load has it, with source and date; the rest stays as it is in the package."""
    assert load("eu-west-1").figure("storage").price == D("0.0036")
    prices = refresh(session.service, "eu-west-1")
    assert prices == load("eu-west-1")
    told = {item: f.price for item, f in prices.figures.items() if f.origin == LIST}
    assert told == {
        "storage": D("0.00405"),
        "flexible-storage": D("0.0036"),
        "early-deletion": D("0.00405"),
        "retrieval-standard": D("0.01"),
        "retrieval-bulk": D("0.0025"),
        "retrieval-standard-requests": D("0.033"),
        "upload-requests": D("0.033"),
        "retrieval-bulk-requests": D("0.0275"),
        "provisioned-capacity": D(110),
        "deep-archive-storage": D("0.00099"),
        "s3-standard-storage": D("0.023"),
        "instant-storage": D("0.004"),
        "transfer-out-internet": D("0.09"),
        "transfer-out-region": D("0.147"),
    }
    storage = prices.figure("storage")
    assert storage.cite() == "AWS Price List: AmazonGlacier EU-TimedStorage-ByteHrs, 2026-11-01"
    assert storage.confirmed
    assert prices.figure("retrieval-expedited").origin == PACKAGE
    assert prices.about() == (
        f"Prices of eu-west-1 in US dollars: 14 from the AWS Price List as read on {prices.refreshed}, "
        "22 from AWS price lists of 2024-08-26 to 2025-12-02 (copies), 2 in no price list; "
        "3 of them not confirmed."
    )
    assert "retrieval-expedited" in prices.missing()
    assert load("us-east-1").missing() == []
    # 12,000 GB: 10,240 at 0.09 = 921.60, and 1,760 at 0.085 = 149.60.
    assert quotes.transfer_out(prices, 12_000 << 30, "internet").total == D("1071.2")
    quotes.retrieval(prices, 1 << 30, 1, "Bulk").check(D(1))


def test_the_request_is_the_documented_one(listed, session):
    """GetProducts of each service, filtered by region, page after page."""
    refresh(session.service, "eu-west-1")
    assert {target for target, _ in listed.requests} == {"AWSPriceListService.GetProducts"}
    first, second = listed.requests[0][1], listed.requests[1][1]
    assert first == {
        "ServiceCode": "AmazonGlacier",
        "Filters": [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-west-1"}],
        "FormatVersion": "aws_v1",
    }
    assert second == first | {"NextToken": "2"}
    outbound = {"Type": "TERM_MATCH", "Field": "transferType", "Value": "AWS Outbound"}
    assert any(outbound in body["Filters"] for _, body in listed.requests)


def test_prices_are_asked_near_the_region():
    """The call is served in a few regions only."""
    near = {r: asked_at(r) for r in ("eu-west-1", "ap-southeast-2", "sa-east-1", "cn-north-1")}
    assert near == {
        "eu-west-1": "eu-central-1",
        "ap-southeast-2": "ap-south-1",
        "sa-east-1": "us-east-1",
        "cn-north-1": "cn-northwest-1",
    }


def test_a_region_without_prices_changes_nothing(listed, session):
    """And the earlier refresh still holds."""
    refresh(session.service, "eu-west-1")
    listed.answers = {}
    with pytest.raises(NotFound, match="eu-west-1"):
        refresh(session.service, "eu-west-1")
    assert load("eu-west-1").figure("storage").origin == LIST


def test_without_credentials_nothing_is_asked(listed, session, monkeypatch):
    """An emulator's own keys are none."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CredentialsError) as caught:
        refresh(session.service, "eu-west-1")
    assert "set the prices yourself" in caught.value.cure
    assert listed.requests == []


def test_a_refusal_names_the_permission(listed, session):
    """It is not one of the vault service's."""
    listed.faults = [(400, {"__type": "AccessDeniedException", "Message": "not authorized"})]
    with pytest.raises(AccessDenied) as caught:
        refresh(session.service, "eu-west-1")
    assert "pricing:GetProducts" in caught.value.cure


def test_a_damaged_answer_is_asked_for_again(listed, session, quick):
    """And throttling and a server's failure are waited out; one that stays damaged is an error."""
    listed.faults = [
        (400, {"__type": "ThrottlingException", "Message": "slow down"}),
        (500, {"__type": "InternalErrorException", "Message": "oops"}),
        (200, {}),
    ]
    assert refresh(session.service, "eu-west-1").figure("storage").price == D("0.00405")
    listed.faults = [(200, {})] * WHOLE_TRIES
    with pytest.raises(Unavailable, match="damaged"):
        refresh(session.service, "eu-west-1")


@pytest.mark.parametrize(
    "text",
    [
        flat("EU-TimedStorage-ByteHrs", "GB-Hours", "0.004"),  # a unit that is not ours
        flat("EU-TimedStorage-GDA-ByteHrs", "GB-Mo", "0.004"),  # another product
        flat("EU-TimedStorage-ByteHrs", "GB-Mo", "-1"),
        flat("EU-TimedStorage-ByteHrs", "GB-Mo", "NaN"),
        product("TimedStorage-ByteHrs", "GB-Mo", ("50", "Inf", "0.004")),  # from 50 GB on only
        product("TimedStorage-ByteHrs", "GB-Mo"),
        product("TimedStorage-ByteHrs", "GB-Mo", ("0", "9", "0.004"), ("0", "Inf", "0.005")),
        flat("TimedStorage-ByteHrs", "GB-Mo", "1").replace("USD", "CNY"),
        flat("TimedStorage-ByteHrs", "GB-Mo", "1", terms={"OnDemand": {}}),
        flat("TimedStorage-ByteHrs", "GB-Mo", "1", product={}),
        "null",
        "[]",
        "{",
        "",
    ],
)
def test_a_product_that_is_not_understood_is_passed_over(text):
    """Together with a good one, the good one is taken."""
    assert read(GLACIER, "eu-west-1", [text], "2026-11-24") == []
    good = flat("EU-EarlyDelete-ByteHrs", "GB-Mo", "0.004")
    assert [f.item for f in read(GLACIER, "eu-west-1", [text, good], "")] == ["early-deletion"]


def test_products_that_contradict_each_other_tell_nothing():
    """The same price twice is no contradiction."""
    one = flat("Requests-Tier3", "Requests", "0.01", sku="A")
    same = flat("Requests-Tier3", "Requests", "0.0100", sku="B")
    other = flat("Requests-Tier3", "Requests", "0.02", sku="C")
    [figure] = read(GLACIER, "us-east-1", [one, same], "")
    assert (figure.item, figure.price) == ("retrieval-expedited-requests", D(10))
    assert read(GLACIER, "us-east-1", [one, same, other], "") == []


def puts(part):
    """The request products of a class: of eu-central-1, and the price of a part."""
    return [
        flat(usage, "Requests", price, operation=operation, sku=operation)
        for usage in ("EUC1-Requests-GLACIER-Tier1", "EUC1-Requests-GDA-Tier1", "EUC1-Requests-GIR-Tier1")
        for operation, price in (
            ("InitiateMultipartUpload", part),
            ("PutObject", "0.0000360000"),
            ("PostObject", "0.0000360000"),
            ("UploadPart", part),
        )
    ]


def test_of_several_operations_the_one_that_stores_an_object_is_taken():
    """A part costs less, with the same usage type: 0.036 and 0.0054 for 1,000."""
    products = puts("0.0000054000")
    found = [f for offer in (S3, DEEP) for f in read(offer, "eu-central-1", products, "")]
    assert {f.item: f.price for f in found} == {
        "flexible-put-requests": D("0.036"),
        "instant-put-requests": D("0.036"),
        "deep-archive-put-requests": D("0.036"),
    }
    assert read(S3, "eu-central-1", [flat("Requests-GIR-Tier1", "Requests", "1", operation="x")], "")
    dearer = flat("EUC1-Requests-GDA-Tier1", "Requests", "1", operation="PutObject")
    assert read(DEEP, "eu-central-1", [*products, dearer], "") == []


def test_the_overhead_of_another_class_is_not_the_price_of_storage():
    """In ap-southeast-6 one usage type has the storage, and overheads that cost less."""
    products = [
        flat("APS8-TimedStorage-ByteHrs", "GB-Mo", "0.02415", operation="INTAAS3ObjectOverhead"),
        flat("APS8-TimedStorage-ByteHrs", "GB-Mo", "0.02625"),
        flat("APS8-TimedStorage-ByteHrs", "GB-Mo", "0.02415", operation="INTDAAS3ObjectOverhead"),
    ]
    [figure] = read(S3, "ap-southeast-6", products, "")
    assert (figure.item, figure.price) == ("s3-standard-storage", D("0.02625"))


def test_a_refresh_keeps_the_price_of_each_destination(listed, session):
    """For another one it is the built-in price of the pair, else the dearest; a user's own goes first."""
    refresh(session.service, "eu-west-1")
    prices = load("eu-west-1")
    virginia = prices.to_region("us-east-1")
    assert virginia.price == D("0.02")
    assert virginia.cite() == "AWS Price List: AWSDataTransfer EU-USE1-AWS-Out-Bytes, 2026-11-01"
    assert prices.to_region("af-south-1").price == D("0.147")
    assert prices.to_region("ap-southeast-7") == between("eu-west-1", "ap-southeast-7")
    assert prices.to_region("mars-1") == prices.figure("transfer-out-region")
    assert prices.figure("transfer-out-region").price == D("0.147")  # not that of a zone of a city
    write("[eu-west-1]\ntransfer-out-region = 0.03\n")
    assert load("eu-west-1").to_region("us-east-1").price == D("0.03")


def test_a_refresh_of_an_earlier_version_has_no_prices_of_pairs(listed, session):
    """Then the built-in ones are taken."""
    refresh(session.service, "eu-west-1")
    [file] = (data_folder() / "prices").iterdir()
    saved = json.loads(file.read_text())
    del saved["to_regions"]
    file.write_text(json.dumps(saved))
    assert load("eu-west-1").to_region("us-east-1") == between("eu-west-1", "us-east-1")


def test_a_region_without_vaults_is_refreshed_too(listed, session):
    """The prices of S3 and of transfers are there."""
    listed.answers = {**ANSWERS, "AmazonGlacier": []}
    prices = refresh(session.service, "eu-central-2")
    assert prices.figure("storage").price is None
    assert prices.figure("flexible-storage").origin == LIST
    assert {"storage", "early-deletion", "upload-requests"} <= set(prices.missing())
    shown = repr(Prices(prices))
    assert f"Not in the AWS Price List as read on {prices.refreshed}: storage, early-deletion" in shown


def test_requests_are_taken_for_uploads_only_where_the_list_says_so():
    """Its description is the only thing that tells."""
    silent = flat("Requests-Tier1", "Requests", "0.00003")
    items = {f.item for f in read(GLACIER, "us-east-1", [silent], "")}
    assert items == {"retrieval-standard-requests"}


json_ = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("0.004"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "product",
                    "attributes",
                    "usagetype",
                    "terms",
                    "OnDemand",
                    "priceDimensions",
                    "unit",
                    "pricePerUnit",
                    "USD",
                    "beginRange",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_)
def test_no_answer_breaks_the_reader(value):
    """Whatever JSON it holds."""
    for offer in OFFERS:
        assert read(offer, "us-east-1", [json.dumps(value)], "") == []


# What is kept


def test_kept_prices_that_cannot_be_read_are_an_error(listed, session):
    """Not silently older ones."""
    refresh(session.service, "eu-west-1")
    [file] = (data_folder() / "prices").iterdir()
    for text in ("", "[]", "{}", '{"version": 2}', file.read_text().replace("0.0040500000", "x")):
        file.write_text(text)
        with pytest.raises(InputError, match="cannot be read") as caught:
            load("eu-west-1")
        assert "--refresh" in caught.value.cure
    assert load("us-east-1").figure("storage").origin == PACKAGE


def test_a_failed_write_leaves_the_earlier_prices(listed, session, monkeypatch):
    """And no temporary file."""
    refresh(session.service, "eu-west-1")
    monkeypatch.setattr("os.fdopen", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(LocalError, match="full"):
        refresh(session.service, "eu-west-1")
    assert [file.name for file in (data_folder() / "prices").iterdir()] == ["eu-west-1.json"]
    assert load("eu-west-1").figure("storage").price == D("0.00405")


@pytest.mark.parametrize("region", ["", "../evil", "EU", "a/b", "x" * 33])
def test_a_region_is_never_a_path(region):
    """It names a file."""
    with pytest.raises(InputError, match="region"):
        load(region)


# The user's own


def test_a_month_after_a_refresh_its_date_is_shown(listed, session):
    """What it replaces keeps its source, and the sentence beside costs and plans has its date."""
    before = load("eu-west-1")
    refresh(session.service, "eu-west-1")
    [file] = (data_folder() / "prices").iterdir()
    today = load("eu-west-1").refreshed
    file.write_text(file.read_text().replace(f'"refreshed": "{today}"', '"refreshed": "2026-10-29"'))
    old = load("eu-west-1")
    assert "14 from the AWS Price List as read on 2026-10-29" in old.about()
    replaced = {f.item for f in old.all() if f != before.figure(f.item)}
    assert len(replaced) == 14
    assert {f.origin for f in old.all() if f.item in replaced} == {LIST}
    assert replaced.isdisjoint(old.missing())
    # Older than the copies in the package: those are the newer ones then.
    file.write_text(file.read_text().replace('"refreshed": "2026-10-29"', '"refreshed": "2024-01-01"'))
    assert load("eu-west-1").figures == before.figures
    assert load("eu-west-1").to_region("us-east-1") == before.to_region("us-east-1")


def test_the_users_own_price_goes_before_all_others(listed, session):
    """That of the region before that for all; each says where it came from."""
    refresh(session.service, "eu-west-1")
    write(
        """
        [all]
        storage = 0.001
        upload-requests = "0.05"
        retrieval-expedited = 1
        [eu-west-1]
        storage = { price = "0.002", source = "contract 7", date = "2026-01-01" }
        [us-east-1]
        early-deletion = 0
        """
    )
    prices = load("eu-west-1")
    storage = prices.figure("storage")
    assert (storage.price, storage.origin) == (D("0.002"), CONFIGURED)
    assert storage.cite() == "your configuration: contract 7, 2026-01-01"
    assert prices.figure("upload-requests").price == D("0.05")
    assert prices.figure("retrieval-expedited").price == 1
    assert prices.figure("retrieval-standard").origin == LIST
    assert prices.figure("early-deletion").price == D("0.00405")
    assert load("us-east-1").figure("storage").price == D("0.001")
    assert load("us-east-1").figure("early-deletion").price == 0
    assert load("mars-1").figure("storage").price == D("0.001")


def test_a_price_of_the_users_own_is_confirmed_by_the_user():
    """So a budget can rely on it."""
    write("[us-east-1]\nretrieval-bulk = 0.0025\nretrieval-bulk-requests = 0.025\n")
    quotes.retrieval(load("us-east-1"), 1 << 30, 1, "Bulk").check(D(1))


def test_the_order_of_the_tables_does_not_matter():
    """``[all]`` may come last."""
    write("[eu-west-1]\nstorage = 2\n[all]\nstorage = 1\n")
    assert load("eu-west-1").figure("storage").price == 2


def test_a_folder_in_the_place_of_the_file_is_named(monkeypatch, tmp_path):
    """And how to name the file in it."""
    monkeypatch.setenv("GLACIER_MAGIC_PRICES", str(tmp_path))
    with pytest.raises(InputError, match="it is a folder; name a file in it"):
        load("us-east-1")


def test_a_variable_names_another_file(monkeypatch, tmp_path):
    """Which must be there."""
    write("[all]\nstorage = 1\n")
    other = tmp_path / "other.toml"
    monkeypatch.setenv("GLACIER_MAGIC_PRICES", str(other))
    with pytest.raises(InputError, match="no such file"):
        load("eu-west-1")
    other.write_text("[all]\nstorage = 2\n")
    assert load("eu-west-1").figure("storage").price == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("storage = 1", "outside of a table"),
        ("[all]\nstorge = 1", "the nearest is storage"),
        ("[all]\nstorage = -1", "not a price"),
        ("[all]\nstorage = nan", "not a price"),
        ("[all]\nstorage = true", "not a price"),
        ("[all]\nstorage = {}", "not a price"),
        ("[us-east-1]\nstorage = 'x'", "not a price"),
        ("[all]\nstorage = '5,000'", "write 5000 or 5.000"),
        ("[all]\nstorage = { price = 1, unit = 'MB' }", "is in 'MB'; its price is for the unit 'GB-month'"),
        ("[all]\nupload-requests = { price = 1, unit = 1000 }", "for the unit '1,000 requests'"),
        ("[all]\nstorage = { prize = 1 }", "'prize' of storage .* the nearest is price"),
        ("[all]\nstorage = { price = 1, currency = 'EUR' }", "none of price, unit, source, date"),
        ("[us-east1]\nstorage = 1", r"\[us-east1\] is neither .* the nearest is us-east-1"),
        ("[al]\nstorage = 1", "the nearest is all"),
        ("[us-east1]", "neither a region"),
        ("[[eu-west-1]]\nstorage = 1", "outside of a table"),
        ("[all", "cannot be used"),
    ],
)
def test_a_slip_in_the_file_is_an_error(text, said):
    """Even in another region's table: a price that is skipped would be a wrong one."""
    write(text)
    with pytest.raises(InputError, match=said):
        load("eu-west-1")


def test_every_unit_may_be_written_as_it_is_shown():
    """And a table may have the name of any region that is known, and of the session's own."""
    units = [f'{item} = {{ price = 1, unit = "{unit}" }}' for item, (_, unit) in ITEMS.items()]
    names = ("all", "eu-central-2", "cn-north-1", "mars-1")
    write("\n".join(line for name in names for line in (f"[{name}]", *units)))
    assert all(figure.price == 1 for figure in load("mars-1").all())


def test_a_variable_without_a_name_names_no_file(monkeypatch):
    """As if it were not set."""
    monkeypatch.setenv("GLACIER_MAGIC_PRICES", "")
    assert load("eu-west-1").figure("storage").origin == PACKAGE


def test_a_file_that_is_no_text_is_an_error():
    """Not a traceback."""
    write("").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be used"):
        load("eu-west-1")
