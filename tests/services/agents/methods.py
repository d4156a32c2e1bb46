"""Methods of our contracts as the front knows them, without a gateway."""

from google.protobuf import message_factory

from pilote.crm.v1 import contact_service_pb2, message_service_pb2
from pilote.decision.v1 import decision_service_pb2
from pilote.dmp.v1 import audience_service_pb2
from services.agents.bindings import Bindings
from services.agents.catalogue import Method
from services.agents.comments import comments

MODULES = (contact_service_pb2, message_service_pb2, decision_service_pb2, audience_service_pb2)


def methods() -> tuple[Method, ...]:
    """All methods of some contracts."""
    return tuple(
        Method(
            full_name=f"/{service.full_name}/{method.name}",
            descriptor=method,
            input=message_factory.GetMessageClass(method.input_type),
            output=message_factory.GetMessageClass(method.output_type),
            comment=comments().get(method.full_name, ""),
        )
        for module in MODULES
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    )


BINDINGS = Bindings(methods())
