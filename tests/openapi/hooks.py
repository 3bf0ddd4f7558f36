"""Half of the ids that schemathesis draws become ids that there are, so that its cases come past the first look-up."""

import json
import os
import zlib

import schemathesis

# By what fields are called, in camel case and without their ending: {"event": ["…"], "tier": ["…"]}.
KNOWN = json.loads(os.environ["ADMIT_ONCE_KNOWN"])


@schemathesis.hook
def map_body(context, body):
    return with_known(body)


@schemathesis.hook
def map_query(context, query):
    return with_known(query)


def with_known(value, field=""):
    if isinstance(value, dict):
        return {key: with_known(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [with_known(member, field) for member in value]
    ids = KNOWN.get(kind_of(field)) if isinstance(field, str) else None
    if not ids or not isinstance(value, str):
        return value
    drawn = zlib.crc32(value.encode("utf-8", "surrogatepass"))
    return ids[drawn // 2 % len(ids)] if drawn % 2 else value


def kind_of(field):
    """`p_tier_id`, `tierId` and `ticketTypeId` name tiers."""
    name = field.removeprefix("p_").replace("_", "").lower()
    for ending in ("ids", "id"):
        name = name.removesuffix(ending)
    return {"tickettype": "tier"}.get(name, name)
