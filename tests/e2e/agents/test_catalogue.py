"""What the front knows of the gateway's contracts."""

from services.agents.calling import calling
from services.agents.catalogue import Catalogue
from services.agents.comments import comments
from tests.e2e.requests import get
from tests.e2e.world import World, credential

GET = "/pilote.crm.v1.ContactService/GetContact"


async def test_every_method_of_the_gateway_is_known_with_its_messages_and_can_be_called(world: World) -> None:
    address = f"127.0.0.1:{world.gateways[0].port}"
    async with calling(address, max_message_bytes=4_194_304) as (caller, channel):
        catalogue = Catalogue(channel, comments=comments())
        assert not catalogue.ready
        await catalogue.refresh()

        found = catalogue.find(GET)
        assert found is not None
        assert (found.comment, found.streaming) == ("Reads one contact.", False)
        services = {method.full_name.split("/")[1] for method in catalogue.methods()}
        assert {"pilote.crm.v1.ContactService", "pilote.decision.v1.DecisionService"} <= services
        assert not any(name.startswith("grpc.") for name in services)

        request = found.input.FromString(get().SerializeToString())
        reply = await caller.unary(GET, request.SerializeToString(), metadata=credential("sales-bot"), seconds=5)
        assert found.output.FromString(reply.message) == found.output()
        assert dict(reply.trailers)["pilote-decision-id"]


async def test_what_is_derived_from_the_methods_is_kept_while_they_stay_the_same(world: World) -> None:
    address = f"127.0.0.1:{world.gateways[0].port}"
    async with calling(address, max_message_bytes=4_194_304) as (_, channel):
        catalogue = Catalogue(channel, comments={})
        await catalogue.refresh()
        found, version = catalogue.find(GET), catalogue.version
        await catalogue.refresh()
        assert (catalogue.find(GET), catalogue.version) == (found, version)
