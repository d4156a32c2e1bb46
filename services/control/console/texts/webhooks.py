"""What the page *Integrations* says of webhooks."""

from typing import Final

TEXTS: Final = {
    "webhooks": ("Webhooks", "Webhooks"),
    "webhooks-about": (
        "Other systems that are told what happens here: refusals, holds, stops, revisions and findings.",
        "Les autres systèmes que l’on informe de ce qui se passe ici : refus, appels retenus, arrêts, révisions et anomalies.",
    ),
    "webhooks-none": (
        "No system is told of events. An operator adds one: pilote webhooks add URL",
        "Aucun système n’est informé des événements. Un opérateur en ajoute un : pilote webhooks add URL",
    ),
    "webhooks-endpoint": ("Endpoint", "Point d’accès"),
    "webhooks-of": ("Webhook to {host}", "Webhook vers {host}"),
    "webhooks-tenant": ("Tenant", "Organisation"),
    "webhooks-events": ("Events", "Événements"),
    "webhooks-all": ("all", "tous"),
    "webhooks-all-tenants": ("all tenants", "toutes les organisations"),
    "webhooks-tracker": (
        "tracker, told of contacts ({manner})",
        "outil de suivi, informé des sollicitations ({manner})",
    ),
    "webhooks-state": ("State", "État"),
    "webhooks-state-new": ("Nothing sent yet", "Encore aucun envoi"),
    "webhooks-state-well": ("Well", "En bonne santé"),
    "webhooks-state-failing": ("Fails", "En échec"),
    "webhooks-state-late": ("Late", "En retard"),
    "webhooks-late": (
        "What is due is not sent: see that a process pilote webhooks runs, and reaches the store.",
        "Ce qui est dû n’est pas envoyé : vérifiez qu’un processus pilote webhooks tourne et atteint le registre.",
    ),
    "webhooks-last": ("Last delivery", "Dernier envoi abouti"),
    "webhooks-failure": ("Last failure", "Dernier échec"),
    "webhooks-failed": (
        "{count} failed attempt since|{count} failed attempts since",
        "{count} tentative échouée depuis|{count} tentatives échouées depuis",
    ),
    "webhooks-never": ("never", "jamais"),
    "webhooks-waiting": ("Waiting", "En attente"),
    "webhooks-dead": ("Not delivered", "Non distribués"),
    "webhooks-dead-about": (
        "These are not tried any more. What is sent again begins with its first attempt, under the same id.",
        "Ceux-ci ne sont plus tentés. Un nouvel envoi repart de la première tentative, sous le même identifiant.",
    ),
    "webhooks-dead-none": ("Everything has arrived, or is on its way.", "Tout est arrivé, ou en route."),
    "webhooks-more": (
        "Only the newest {count} are shown here.",
        "Seuls les {count} plus récents sont affichés ici.",
    ),
    "webhooks-left-out": (
        "{count} event was left out because too much waited. Fill it in from the log: pilote webhooks fill --since 3d|{count} events were left out because too much waited. Fill them in from the log: pilote webhooks fill --since 3d",
        "{count} événement a été laissé de côté, car trop d’envois attendaient. Reprenez-le du journal : pilote webhooks fill --since 3d|{count} événements ont été laissés de côté, car trop d’envois attendaient. Reprenez-les du journal : pilote webhooks fill --since 3d",
    ),
    "webhooks-event": ("Event", "Événement"),
    "webhooks-queued": ("Queued", "Mis en file"),
    "webhooks-attempts": ("Attempts", "Tentatives"),
    "webhooks-why": ("Why", "Pourquoi"),
    "webhooks-why-status": ("answered {status}", "a répondu {status}"),
    "webhooks-why-timeout": ("no answer in time", "pas de réponse à temps"),
    "webhooks-why-unreachable": ("no connection", "pas de connexion"),
    "webhooks-why-not-taken": ("answered, but did not take it", "a répondu sans le prendre"),
    "webhooks-why-not-allowed": ("the address is not allowed", "l’adresse n’est pas autorisée"),
    "webhooks-why-secret": ("its secret cannot be opened", "son secret ne peut être ouvert"),
    "webhooks-actions": ("Actions", "Actions"),
    "webhooks-replay": ("Send again", "Renvoyer"),
    "webhooks-replay-of": ("Send again: {delivery}", "Renvoyer : {delivery}"),
    "webhooks-replay-all": ("Send all again", "Tout renvoyer"),
    "webhooks-replayed": ("Sent again: {count}.", "Renvoyés : {count}."),
}
