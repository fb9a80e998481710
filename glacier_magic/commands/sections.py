"""The sections of a help text, which options of the same meaning share in all verbs."""

from __future__ import annotations

SECTIONS = {
    "Selecting": "--vault --where --sort --limit --as-of --state --from --newest --head --tail --range "
    "--folder --depth --recursive --regions --all-regions",
    "Price and limits": "--tier --spread --daily --destination --max-cost --accept-unconfirmed --max-rate "
    "--max-bytes --rounds",
    "Encryption": "--key --password-file",
    "Confirmation": "--yes --confirm --ask-above",
    "Output": "--to --save --json --csv --long --columns --quiet --show-account --check",
    "Waiting": "--wait --timeout",
    "Connection": "--profile --region --account --endpoint-url --emulator --data --speed --keep",
}
"""The options of each section; the others are under *Options*."""
