"""What surrounded a call is said in plain words, in English and French."""

from gateway.core.explain_circumstances import explain_circumstances, explain_kept
from gateway.core.record import Obligation, Record, RuleLook, Settlement, Steps, Verdict

RECORD = Record(
    id="0" * 32,
    received_ms=1,
    decided_ms=2,
    verdict=Verdict.ALLOW,
    person="a" * 32,
    conversation="conv_12345678",
    purpose="renewal",
    rules=(RuleLook("mailing", "allow", standing="granted", basis="contract", proof="form 12"),),
    holdouts=("silent",),
    obligations=(Obligation("no-people", "request", "PERSONAL"), Obligation("no-score", "reply", fields=("a.b", "c"))),
    retention="contacts",
    keep_days=730,
    steps=Steps(wait_us=10, identify_us=120, decide_us=1_500),
)
END = Settlement(id="0" * 32, settled_ms=3, status="OK", admit_us=2_000)


def test_it_is_said_in_english() -> None:
    assert explain_circumstances(RECORD) == [
        f"The agent called on behalf of {'a' * 32}.",
        "That was in the conversation conv_12345678.",
        "Its purpose was renewal.",
        "It rested on the legal basis contract, by the requirement mailing. The proof is form 12.",
        "The customer was looked for in the holdout silent.",
        "The rule no-people took out of the request: everything annotated PERSONAL or above.",
        "The rule no-score took out of the reply: a.b, c.",
    ]
    assert explain_kept(RECORD, END) == [
        (
            "Its way through the gateway took: waiting 0.01 ms, who calls 0.12 ms, route and rules 1.50 ms, "
            "buckets and record 2.00 ms."
        ),
        "Its record belongs to the class contacts, which is kept for 730 days.",
    ]


def test_it_is_said_in_french() -> None:
    assert explain_circumstances(RECORD, language="fr") == [
        f"L’agent appelait pour le compte de {'a' * 32}.",
        "C’était dans la conversation conv_12345678.",
        "Sa finalité était renewal.",
        "Il reposait sur la base légale contract, selon l’exigence mailing. La preuve est form 12.",
        "On a cherché le client dans le groupe témoin silent.",
        "La règle no-people a retiré de la requête : tout ce qui est annoté PERSONAL ou plus.",
        "La règle no-score a retiré de la réponse : a.b, c.",
    ]
    assert explain_kept(RECORD, END, language="fr") == [
        (
            "Son passage par la passerelle a pris : attente 0,01 ms, identification 0,12 ms, route et règles 1,50 ms, "
            "limites et enregistrement 2,00 ms."
        ),
        "Son enregistrement relève de la classe contacts, conservée 730 jours.",
    ]


def test_of_a_call_without_all_that_nothing_is_said() -> None:
    plain = Record(id="0" * 32, received_ms=1, decided_ms=2, verdict=Verdict.ALLOW)
    assert explain_circumstances(plain) == explain_kept(plain, None) == []
