"""Deleting archives: the plan, its guards, the queue.

guard                                           test
more than one archive without its vault's name  test_many_archives_need_the_vaults_name
a wrong name: shell, terminal, card            commands/test_deleting.py, notebook/test_widgets.py
--yes alone for more than one archive           commands/test_deleting.py
--max-fee below the fee                         test_a_fee_over_the_limit_is_refused
--max-fee where the fee is not known            test_a_fee_that_is_not_known_is_refused
a pattern that matches more by now              test_what_comes_to_match_later_is_not_touched
a queue that another process works on           test_two_processes_do_not_drive_one_queue
a queue that was forgotten                      test_a_forgotten_queue_is_not_gone_on_with
every deletion denied                           test_denials_in_a_row_stop_it_early
an archive of another vault                     test_an_archive_of_another_vault_is_not_removed
a vault that is gone                            test_a_vault_that_is_gone_ends_it
killed at any moment                            test_deletion_kills.py
drop: not confirmed                             test_drop.py::test_a_drop_needs_the_name
drop: unfinished uploads                        test_drop.py::test_unfinished_uploads_stop_it
drop: an archive after the list                 test_drop.py::test_new_before_the_confirmation
drop: an archive before the proof               test_drop.py::test_new_before_the_proof
drop: an archive after the proof                test_drop.py::test_written_to_after_the_proof
drop: a newer vault of the same name            test_drop.py::test_another_vault_of_that_name
drop: ended between plan and button             test_drop.py::test_an_outdated_plan_runs_nothing
drop: --max-fee                                 test_drop.py::test_a_limit_of_the_fee_is_kept
drop: Ctrl-C                                    test_drop.py::test_an_interrupt_stops_the_deleting
"""

import json
import sqlite3

import pytest

from glacier_magic.base.session_limits import Limits
from glacier_magic.catalogue.storage.owners import new_owner
from glacier_magic.errors import (
    AccessDenied,
    GlacierError,
    InputError,
    NotConfirmed,
    NotFound,
    OverBudget,
    PriceUnknown,
    Unavailable,
)
from glacier_magic.prices import configuration_file
from glacier_magic.service.denials import Denial, denying, explain
from glacier_magic.transfer.progress import Count

HOSTILE = ("../../etc/passwd", 'it\'s "quoted"', "<script>alert(1)</script>", "-rf *")


@pytest.fixture
def filled(vault, put, listed):
    """A vault of five archives, one in a folder, and a neighbour whose name is like theirs."""
    for name in ("a", "b", "c", "scans/d", "scans/e"):
        put(name, name.encode())
    listed(vault)
    return vault


@pytest.fixture
def living(emulator, region):
    """Tell by the emulator's own store which descriptions are in a vault."""

    def living(vault="photos"):
        with sqlite3.connect(emulator.folder / "store.sqlite") as store:
            rows = store.execute(
                "SELECT description FROM archives a JOIN vaults v ON v.id=a.vault "
                "WHERE v.name=? AND v.region=? AND a.deleted IS NULL ORDER BY description",
                (vault, region),
            ).fetchall()
        store.close()
        return [row[0] for row in rows]

    return living


@pytest.fixture
def sent(calls):
    """Note the archive ids of all deletions that are sent."""
    return calls.noted("delete_archive", 1)


# What the plan says


@pytest.mark.each_backend
def test_what_is_removed_is_gone_here_and_there(filled, living):
    """The plan shows it first; afterwards it is not listed any more."""
    plan = filled.delete("scans/")
    assert "for ever" in repr(plan)
    assert "90 days" in repr(plan)
    assert len(filled.archives()) == 5
    done = plan.run(confirm="photos")
    assert list(done.table["state"]) == ["deleted", "deleted"]
    assert (done.deleted, done.failed, done.left) == (2, 0, 0)
    assert list(filled.archives()["name"]) == ["a", "b", "c"]
    assert living() == ["a", "b", "c"]


def test_the_plan_says_how_each_was_last_seen(filled, files, session):
    """Listed, uploaded since, told by somebody else, or nothing but an id."""
    filled.upload(files("new.txt"))
    plan = filled.delete("*", "id:" + "x" * 138)
    facts = dict(plan.facts)
    assert facts["last seen"].startswith("5 listed as of 20")
    assert "1 uploaded from here and not listed yet" in facts["last seen"]
    assert "1 never seen: a whole id" in facts["last seen"]
    assert "age or size of some is not known" in facts["early deletion"]


def test_running_and_unfetched_retrievals_are_warned_of(filled, client, later):
    """Deleting makes the first fail; the second is paid for and not fetched yet."""
    ids = dict(zip(filled.archives()["name"], filled.archives()["archive_id"], strict=True))
    ask = {"Type": "archive-retrieval", "ArchiveId": ids["a"]}
    client.initiate_job(vaultName="photos", jobParameters=ask)
    later(hours=4.1)
    client.initiate_job(vaultName="photos", jobParameters=ask | {"ArchiveId": ids["b"]})
    warning = dict(filled.delete("a", "b", "c").facts)["WARNING"]
    assert "1 retrieval still running" in warning
    assert "1 retrieved output not downloaded" in warning
    assert "WARNING" not in dict(filled.delete("c").facts)


def test_the_plan_promises_what_a_record_can_keep(filled):
    """JSON-able, with the lines of the fee."""
    plan = filled.delete("*")
    kept = json.loads(json.dumps(plan.promised()))
    assert plan.kind == "delete"
    assert kept["archives"] == 5
    assert kept["bytes"] == plan.bytes == 3 + 14
    assert kept["quote"]["lines"][0]["item"] == "early-deletion"


def test_an_exact_name_with_brackets_removes_nothing_else(vault, files):
    """``rm photo[1].jpg`` means that file: its pattern would also match photo1.jpg."""
    for name in ("photo[1].jpg", "photo1.jpg"):
        vault.upload(files(name, name.encode()))
    plan = vault.delete("photo[1].jpg")
    assert [archive.name for archive in plan.archives] == ["photo[1].jpg"]


def test_words_that_mean_the_same_archive_count_it_once(filled):
    """Twice named is once deleted."""
    assert len(filled.delete("scans/", "scans/*", "*/d").choice) == 2


def test_records_of_the_catalogue_are_words_too(filled):
    """A selection in a table, say."""
    records = filled.delete("scans/").archives
    plan = filled.delete(*records, "a")
    assert [a.name for a in plan.archives] == ["scans/d", "scans/e", "a"]
    assert plan.happened(plan.run(confirm="photos")) == {"deleted": 3, "failed": 0, "bytes": plan.bytes}
    assert plan.quote == plan.tally.fee


def test_a_condition_narrows_what_the_words_mean(filled):
    """With it alone, the whole vault is meant."""
    assert [a.name for a in filled.delete(where="size > 1").archives] == ["scans/d", "scans/e"]
    assert [a.name for a in filled.delete("*d", where="size > 1").archives] == ["scans/d"]
    with pytest.raises(InputError):
        filled.delete(where="size ><script> 1")
    with pytest.raises(InputError, match="matches"):
        filled.delete("a", where="size > 1")


def test_hostile_names_are_shown_harmlessly_and_deleted_exactly(vault, put, listed, living, files):
    """They are data: no markup, no path, no option, no pattern."""
    for name in HOSTILE:
        put(name)
    put("neighbour")
    listed(vault)
    vault.upload(files("smile \N{GRINNING FACE}\N{RIGHT-TO-LEFT OVERRIDE}"))
    plan = vault.delete(*(f"name:{name}" for name in HOSTILE), "smile *")
    assert len(plan.choice) == len(HOSTILE) + 1
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in repr(plan) + plan._repr_html()
    assert "<script>" not in plan._repr_html()
    done = plan.run(confirm="photos")
    assert "<script>" not in done._repr_html()
    assert living() == ["neighbour"]


# Guards


def test_many_archives_need_the_vaults_name(filled, sent):
    """One does not; no other text will do."""
    plan = filled.delete("*")
    for wrong in (None, "", "yes", "photo", "Photos", "photos "):
        with pytest.raises(NotConfirmed, match="photos") as caught:
            plan.run(wrong)
        assert "confirm='photos'" in caught.value.cure
    assert sent == []
    filled.delete("a").run()
    assert len(sent) == 1


def priced(region, price, requests=0):
    """Write the prices of early deletion and of requests as a user does."""
    configuration_file().parent.mkdir(parents=True, exist_ok=True)
    configuration_file().write_text(f'[{region}]\nearly-deletion = "{price}"\nother-requests = {requests}\n')


def test_a_fee_over_the_limit_is_refused(filled, region, sent):
    """Once and again, and by the plan that is shown; a limit that is kept lets it through."""
    priced(region, 1_000_000)
    plan = filled.delete("*").limit_to("0.01")
    assert "REFUSED" in repr(plan)
    for _ in range(2):
        with pytest.raises(OverBudget, match=r"\$"):
            plan.run(confirm="photos")
    assert filled.delete("*").limit_to(5_000_000).refusal == ""
    assert sent == []


def test_the_price_of_the_requests_is_in_the_quote(filled, region, sent):
    """One for each archive at two dollars, within a limit."""
    priced(region, 0, 2000)
    plan = filled.delete("*")
    assert plan.quote.total == 10
    assert dict(plan.facts)["requests"].startswith("$10.00, your configuration")
    with pytest.raises(OverBudget, match=r"\$10\.00, over the limit of \$9\.99"):
        plan.run(confirm="photos", max_cost="9.99")
    assert sent == []
    plan.run(confirm="photos", max_cost=10)
    assert len(sent) == 5


def test_a_fee_that_is_not_known_is_refused(filled, sent):
    """Nobody has told a price of this region."""
    assert "the price of deletion before 90 days" in dict(filled.delete("*").facts)["early deletion"]
    with pytest.raises(PriceUnknown):
        filled.delete("*").limit_to(5).run(confirm="photos")
    assert sent == []


def test_old_archives_cost_no_fee(filled, later):
    """After 90 days; the limit of nothing can be kept then."""
    later(filled.session, days=91)
    plan = filled.delete("*").limit_to(0)
    assert plan.refusal == ""
    assert "no fee" in dict(plan.facts)["early deletion"]


def test_what_comes_to_match_later_is_not_touched(filled, files, living):
    """The choice was made when the plan was shown."""
    plan = filled.delete("*")
    filled.upload(files("zzz"))
    plan.run(confirm="photos")
    assert list(filled.archives()["name"]) == ["zzz"]
    assert len(living()) == 1


@pytest.mark.each_backend
def test_two_processes_do_not_drive_one_queue(filled, session):
    """The second one is told so."""
    queue = begun(session, filled)
    assert session.catalogue.deletions.leases.claim(queue.id, new_owner())
    with pytest.raises(InputError, match="Another process"):
        session.resume_deletion(session.catalogue.deletions.get(queue.id))


def begun(session, vault, *words):
    """Write a queue as a process does that is killed before its first request."""
    plan = vault.delete(*(words or ("*",)))
    return session.catalogue.deletions.begin(
        plan.choice, what=plan.title, size=plan.bytes, promised=plan.promised()
    )


@pytest.mark.limits(deletion_batch=1, workers=1)
def test_a_forgotten_queue_is_not_gone_on_with(filled, session, calls, living):
    """Also while it runs, by whoever forgets it: a hundred answers later at most."""
    queue = begun(session, filled)
    original = calls.of("delete_archive")

    def delete(self, vault, archive_id):
        session.catalogue.deletions.ended(queue.id, "forgotten")
        return original(self, vault, archive_id)

    calls.replace("delete_archive", delete)
    done = session.resume_deletion(queue)
    assert 1 <= done.deleted <= 2
    assert session.catalogue.deletions.unfinished() == []
    assert len(living()) == 5 - done.deleted


def test_an_archive_of_another_vault_is_not_removed(session, vault, put):
    """The service's misleading sentence becomes a clear one."""
    session.create_vault("other")
    archive = put("x", vault="other")
    with pytest.raises(InputError, match="1 archive of 1") as caught:
        vault.delete(f"id:{archive}").run()
    assert "another vault" in caught.value.cure


def test_a_vault_that_is_gone_ends_it(session, vault, later):
    """Rather than an error for each archive."""
    plan = vault.delete(*("id:" + letter * 138 for letter in "abc"))
    later(days=1.2)
    session.drop_vault("photos").run()
    with pytest.raises(NotFound, match="photos"):
        plan.run(confirm="photos")


# Running


@pytest.mark.each_backend
def test_one_that_fails_does_not_stop_the_rest(session, filled, put, living):
    """It is in the table with its reason, and is tried again when asked."""
    session.create_vault("other")
    stranger = put("x", vault="other")
    done = filled.delete("*", f"id:{stranger}").run(confirm="photos")
    assert (done.deleted, done.failed) == (5, 1)
    assert next(iter(done.table["state"])) == "failed"
    assert "Invalid vault name" in done.table["error"][0]
    assert "Invalid vault name" in repr(done)
    assert isinstance(done.failure, InputError)
    assert living() == []
    assert living("other") == ["x"]
    unfinished = session.catalogue.deletions.unfinished()
    assert [(d.deleted, d.failed, d.left) for d in unfinished] == [(5, 1, 0)]


def test_a_failed_removal_keeps_the_record_and_goes_on_later(filled, calls, quick, living):
    """What the service did not delete is still listed; the same plan run again deletes it."""
    with calls.replaced("delete_archive", broken):
        plan = filled.delete("*")
        with pytest.raises(Unavailable, match="no network"):
            plan.run(confirm="photos")
    assert len(filled.archives()) == 5
    assert plan.run(confirm="photos").deleted == 5
    assert living() == []


def broken(*_):
    raise Unavailable("no network")


def test_what_another_process_deletes_meanwhile_is_fine(filled, client):
    """The service answers as if nothing had happened."""
    plan = filled.delete("*")
    for archive in plan.archives[:3]:
        client.delete_archive(vaultName="photos", archiveId=archive.archive_id)
    assert plan.run(confirm="photos").deleted == 5


def test_throttling_is_waited_for(filled, emulator, patient, sent):
    """Nothing is lost by it."""
    emulator.fault("throttling", "DeleteArchive", times=5)
    assert filled.delete("*").run(confirm="photos").failed == 0
    assert len(sent) == 10


def test_an_answer_that_is_lost_is_asked_for_again(filled, emulator, patient, living):
    """The deletion took place; deleting once more is no error."""
    emulator.fault("reset-after", "DeleteArchive", times=3)
    assert filled.delete("*").run(confirm="photos").deleted == 5
    assert living() == []


def test_progress_is_told_in_archives(filled):
    """How many of how many, and at the end all."""
    reports = []
    plan = filled.delete("*")
    plan.observe(reports.append)
    plan.run(confirm="photos")
    assert all(isinstance(report, Count) for report in reports)
    assert str(reports[-1]).startswith("deleting from photos: 100%, 5 of 5")


@pytest.mark.limits(workers=1)
def test_a_stop_keeps_the_rest_in_the_queue(filled, session, living, calls):
    """And going on deletes it."""
    plan = filled.delete("*")
    original = calls.of("delete_archive")

    def delete(self, vault, archive_id):
        plan.stop()
        return original(self, vault, archive_id)

    with calls.replaced("delete_archive", delete):
        done = plan.run(confirm="photos")
    assert done.left >= 4
    assert "not tried yet" in repr(done)
    [queue] = session.catalogue.deletions.unfinished()
    assert session.resume_deletion(queue).left == 0
    assert living() == []


def test_the_rows_of_folders_follow(filled, session):
    """What is deleted is not counted any more, in no folder."""
    filled.delete("scans/").run(confirm="photos")
    folders = {f.path: f.archives for f in session.catalogue.archives.du("photos")}
    assert sum(folders.values()) == 3 == folders[""]
    assert session.catalogue.archives.count("photos") == 3


# Denials


LOCK = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "deny-based-on-archive-age",
            "Principal": "*",
            "Effect": "Deny",
            "Action": "glacier:DeleteArchive",
            "Resource": ["arn:aws:glacier:us-west-2:123456789012:vaults/photos"],
            "Condition": {"NumericLessThan": {"glacier:ArchiveAgeInDays": "365"}},
        }
    ],
}


def locked(client, policy=LOCK):
    client.initiate_vault_lock(accountId="-", vaultName="photos", policy={"Policy": json.dumps(policy)})


def test_a_denied_deletion_says_which_policy_and_until_when(filled, client, session):
    """A lock by age, as the documentation writes it, which denies deletions as soon as it is in progress."""
    locked(client, {"Statement": LOCK["Statement"][0] | {"Resource": "arn:aws:glacier:*:*:vaults/photos"}})
    until = session.service.clock.now().year + 1
    with pytest.raises(AccessDenied, match="vault lock") as caught:
        filled.delete("a").run()
    assert "younger than 365 days" in str(caught.value)
    assert "InProgress" in str(caught.value)
    assert f"until {until}-" in str(caught.value)
    assert "with an explicit deny in a resource-based policy" in str(caught.value)
    assert session.account not in str(caught.value)


def test_denials_in_a_row_stop_it_early(vault, emulator, region, session, client, sent, listed):
    """Two hundred archives are not two hundred failures; the oldest were tried first."""
    seed(emulator, region, 200)
    listed(vault)
    locked(client)
    emulator.fault("access-denied", "DeleteArchive", times=10_000)
    try:
        with pytest.raises(AccessDenied, match="in a row denied") as caught:
            vault.delete("*").run(confirm="photos")
    finally:
        emulator.clear_faults()
    assert "not tried" in str(caught.value)
    assert "vault lock" in str(caught.value)
    assert Limits.denials <= len(sent) <= Limits.denials + Limits.workers
    oldest = [a.archive_id for a in sorted(vault.delete("*").archives, key=lambda a: a.created)]
    assert set(sent) <= set(oldest[: 2 * Limits.denials])
    [queue] = session.catalogue.deletions.unfinished()
    assert session.resume_deletion(queue).deleted == 200


def seed(emulator, region, count, vault="photos"):
    from glacier_magic.emulator import process

    process.seed(emulator.folder, vault, count, region=region, size=100)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({"Action": "glacier:*"}, "denies deleting archives"),
        ({"Action": ["glacier:Upload*", "GLACIER:delete*"]}, "denies deleting archives"),
        ({"NotAction": "glacier:InitiateJob"}, "denies deleting archives"),
        ({"Action": "glacier:DeleteVault"}, None),
        ({"NotAction": ["glacier:Delete*"]}, None),
        ({"Action": "glacier:DeleteArchive", "Effect": "Allow"}, None),
        (
            {"Action": "*", "Condition": {"StringLike": {"glacier:ResourceTag/LegalHold": "true"}}},
            "LegalHold",
        ),
        (
            {"Action": "*", "Condition": {"NumericLessThanEquals": {"glacier:ArchiveAgeInDays": ["30"]}}},
            "younger than 31 days",
        ),
    ],
)
def test_statements_of_policies_are_told_apart(vault, client, session, statement, words):
    """Wildcards, lists, exceptions, conditions."""
    # Of another vault: a policy that denies all actions cannot be read.
    mine = {"Effect": "Deny", "Principal": "*", "Resource": LOCK["Statement"][0]["Resource"]} | statement
    policy = {"Version": "2012-10-17", "Statement": mine}
    assert bool(denying(json.dumps(policy))) is (words is not None)
    client.set_vault_access_policy(vaultName="photos", policy={"Policy": json.dumps(policy)})
    found = explain(session.service, "photos")
    assert (words or "the IAM policy") in found.words


def test_a_condition_is_shown_without_the_account(vault, client, session):
    """Conditions of policies like to name it."""
    condition = {"StringEquals": {"aws:PrincipalAccount": session.account}}
    statement = {"Effect": "Deny", "Principal": "*", "Action": "glacier:Delete*", "Sid": "\x1b[31m"}
    statement["Condition"] = condition
    locked(client, {"Statement": [statement]})
    words = explain(session.service, "photos").words
    assert f"********{session.account[-4:]}" in words
    assert session.account not in words
    assert "\x1b" not in words


def test_without_the_right_to_read_policies_it_says_so(vault, emulator, session):
    """Best effort: no error hides the first one."""
    for operation in ("GetVaultLock", "GetVaultAccessPolicy"):
        emulator.fault("access-denied", operation, times=9)
    try:
        assert "could not be read" in explain(session.service, "photos").words
    finally:
        emulator.clear_faults()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Statement": 5}', '{"Statement": [5]}', "<a>"])
def test_a_policy_that_makes_no_sense_explains_nothing(text):
    """And raises nothing but what is caught."""
    try:
        assert denying(text) == []
    except ValueError:
        assert text in ("", "[]", "<a>")


def test_a_denial_without_an_age_has_no_end():
    """Nor has one of an archive whose age is not known."""
    assert Denial("x").until(1) is None
    assert Denial("x", 5).until(None) is None
    assert Denial("x", 5).of(86_400_000) == "x; this one until 1970-01-07"
    assert issubclass(AccessDenied, GlacierError)


def test_the_history_hears_of_a_deletion_that_was_gone_on_with(session, filled, emulator):
    """A run that was denied is kept as failed, and as done once the rest is deleted."""
    plan = filled.delete("a")
    emulator.fault("access-denied", "DeleteArchive", times=1)
    with pytest.raises(AccessDenied):
        plan.run()
    assert session.catalogue.plans.get(plan.number).state == "failed"
    (queue,) = session.catalogue.deletions.unfinished()
    session.resume_deletion(queue)
    kept = session.catalogue.plans.get(plan.number)
    assert (kept.state, kept.error) == ("done", None)
    assert kept.happened["deleted"] == 1


def test_a_folder_is_deleted_with_its_slash_only(filled, sent, living):
    """Where one archive was meant, many would go; the error says how to name the folder."""
    for ask in (
        lambda: filled.delete("scans"),
        lambda: filled.delete("scans", where="size > 0"),
        lambda: filled.delete("a", "scans"),
    ):
        with pytest.raises(InputError, match=r"'scans' is a folder of 2 archives in 'photos'.*scans/"):
            ask()
    assert sent == []
    filled.delete("scans/").run("photos")
    assert len(sent) == 2
    assert living() == ["a", "b", "c"]


def test_an_exact_name_is_deleted_rather_than_the_folder(filled, put, listed, sent, living):
    """One deletion, although archives are below it."""
    put("scans", b"mine")
    listed(filled)
    filled.delete("scans").run()
    assert len(sent) == 1
    assert living() == ["a", "b", "c", "scans/d", "scans/e"]
