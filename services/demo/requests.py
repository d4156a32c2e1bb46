"""What the demonstration's agents send: its rows as requests of the contracts."""

from typing import Any, Final

from open_inference.grpc import protocol

from pilote.crm.v1 import (
    contact_pb2,
    contact_service_pb2,
    deal_pb2,
    deal_service_pb2,
    message_pb2,
    message_service_pb2,
)
from services.demo.data import DemoContact, DemoDeal

MODEL: Final = "lead-score"


def creation_of(contact: DemoContact) -> contact_service_pb2.CreateContactRequest:
    """Brings a contact into the CRM, once however often it is sent."""
    return contact_service_pb2.CreateContactRequest(
        contact=_contact(contact), contact_id=contact.contact_id, request_id=f"import-{contact.contact_id}"
    )


def opening_of(deal: DemoDeal, contact: DemoContact) -> deal_service_pb2.CreateDealRequest:
    """Opens a deal, likewise once, at the stage where all began."""
    message = deal_pb2.Deal(
        contact=f"contacts/{contact.contact_id}",
        title=deal.title,
        stage=deal_pb2.DEAL_STAGE_QUALIFICATION,
        amount_cents=deal.amount_cents,
        currency_code=deal.currency_code,
    )
    return deal_service_pb2.CreateDealRequest(deal=message, deal_id=deal.deal_id, request_id=f"import-{deal.deal_id}")


def message_to(
    contact: DemoContact, *, category: str, campaign: str, title: str
) -> message_service_pb2.SendMessageRequest:
    """A mail to a contact, without a request id."""
    return message_service_pb2.SendMessageRequest(
        message=message_pb2.Message(
            customer=f"contacts/{contact.contact_id}",
            channel="email",
            category=category,
            campaign=campaign,
            subject_line=title,
            body=f"Dear {contact.job_title}, there is something new for {contact.company}.",
        )
    )


def moved_on(deal: DemoDeal, contact: DemoContact) -> deal_service_pb2.UpdateDealRequest:
    """Moves a deal to the stage that the rows have it at, once however often it is sent."""
    request = deal_service_pb2.UpdateDealRequest(
        deal=deal_pb2.Deal(
            name=f"deals/{deal.deal_id}",
            contact=f"contacts/{contact.contact_id}",
            stage=deal_pb2.DealStage.Value(deal.stage),
            amount_cents=deal.amount_cents,
        ),
        request_id=f"move-{deal.deal_id}",
    )
    request.update_mask.paths.append("stage")
    return request


def inference_of(contact: DemoContact) -> Any:
    """Has a contact's lead scored, without a version: which one answers is the revision's to say."""
    request = protocol.ModelInferRequest(model_name=MODEL, id=contact.contact_id)
    request.parameters["subject"].string_param = f"contacts/{contact.contact_id}"
    for name, text in contact.texts.items():
        tensor = request.inputs.add(name=name, datatype="BYTES", shape=[1])
        tensor.contents.bytes_contents.append(text.encode())
    for name, count in contact.counts.items():
        tensor = request.inputs.add(name=name, datatype="INT64", shape=[1])
        tensor.contents.int64_contents.append(count)
    return request


def _contact(contact: DemoContact) -> contact_pb2.Contact:
    return contact_pb2.Contact(
        display_name=contact.display_name,
        email=contact.email,
        company=contact.company,
        job_title=contact.job_title,
        seniority=contact.seniority,
        role_function=contact.role_function,
        industry=contact.industry,
        region=contact.region,
        language=contact.language,
        time_zone=contact.time_zone,
        lifecycle_stage=contact_pb2.LIFECYCLE_STAGE_LEAD,
    )
