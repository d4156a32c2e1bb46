"""What /openapi.json says, and whether it is so."""

import httpx
import schemathesis

from tests.e2e.policy import key_of


async def test_the_description_is_sound_and_says_what_the_contracts_say(front: httpx.AsyncClient) -> None:
    document = (await front.get("/openapi.json")).json()

    schemathesis.openapi.from_dict(document).validate()
    got = document["paths"]["/v1/contacts/{contact}"]["get"]
    assert got["operationId"] == "pilote.crm.v1.ContactService.GetContact"
    assert got["description"] == "Reads one contact."
    assert got["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("GetContactResponse")
    listing = document["paths"]["/v1/contacts"]["get"]
    assert [each["name"] for each in listing["parameters"]][:2] == ["pageSize", "pageToken"]
    schemas = document["components"]["schemas"]
    message = schemas["pilote.crm.v1.Message-asked"]
    assert message["required"] == ["customer", "channel", "category", "body"]
    assert "required" not in schemas["pilote.crm.v1.Message"]
    assert message["properties"]["body"]["description"]
    assert "SEND_STATE_SENT" in schemas["pilote.crm.v1.SendState"]["enum"]
    assert schemas["google.protobuf.Timestamp"]["format"] == "date-time"


async def test_every_path_of_the_description_is_answered(front: httpx.AsyncClient) -> None:
    document = (await front.get("/openapi.json")).json()
    headers = {"x-api-key": key_of("sales-bot")}
    for path, item in document["paths"].items():
        filled = path.replace("{", "").replace("}", "")
        for verb in item:
            got = await front.request(verb.upper(), filled, headers=headers, json={} if verb == "post" else None)
            text = got.text
            assert "There is nothing at this path" not in text, (verb, path, text)
            assert got.status_code != 405, (verb, path, text)
