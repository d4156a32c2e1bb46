"""What the guide to the first call says."""

from typing import Final

TEXTS: Final = {
    "guide": ("Guide", "Guide"),
    "guide-title": ("Your first governed call", "Votre premier appel gouverné"),
    "guide-about": (
        "Five steps, each of which shows by itself once it is done.",
        "Cinq étapes, dont chacune se coche d’elle-même.",
    ),
    "guide-steps": ("Steps", "Étapes"),
    "guide-step-done": ("done", "fait"),
    "guide-step-now": ("now", "en cours"),
    "guide-step-people": ("A second person", "Une deuxième personne"),
    "guide-step-policy": ("A policy", "Une politique"),
    "guide-step-approval": ("Two people agree", "Deux personnes d’accord"),
    "guide-step-gateway": ("Gateways run it", "Les passerelles l’appliquent"),
    "guide-step-call": ("The first call", "Le premier appel"),
    "guide-people-about": (
        "No policy becomes active by one person alone, and gateways check that. Give somebody else an account with the role copilot, officer or admin for all tenants; they log in and choose a password. This page goes on by itself.",
        "Aucune politique ne devient active par une seule personne, et les passerelles le vérifient. Donnez à quelqu’un d’autre un compte avec le rôle copilote, officier ou admin pour toutes les organisations ; la personne se connecte et choisit un mot de passe. Cette page continue d’elle-même.",
    ),
    "guide-people-go": ("Add somebody", "Ajouter quelqu’un"),
    "guide-people-ask": (
        "You may not add people: ask somebody who may, or run: pilote users add NAME --role officer",
        "Vous ne pouvez pas ajouter de personnes : demandez à qui le peut, ou lancez : pilote users add NOM --role officer",
    ),
    "guide-policy-about": (
        "The smallest policy: one agent may read what your CRM has, and nothing else. {names} can agree to it.",
        "La plus petite politique : un agent peut lire ce que contient votre CRM, et rien d’autre. {names} peut l’approuver.",
    ),
    "guide-tenant": ("Tenant", "Organisation"),
    "guide-tenant-hint": ("Whose customers these are, such as acme.", "À qui sont ces clients, par exemple acme."),
    "guide-agent": ("Agent", "Agent"),
    "guide-agent-hint": ("Who calls, such as sales-bot.", "Qui appelle, par exemple sales-bot."),
    "guide-address": ("Address of the CRM’s gRPC service", "Adresse du service gRPC du CRM"),
    "guide-address-hint": (
        "As host:port. With pilote up a CRM runs at 127.0.0.1:50061.",
        "Sous la forme hôte:port. Avec pilote up, un CRM tourne à l’adresse 127.0.0.1:50061.",
    ),
    "guide-propose": ("Make a key and propose the policy", "Créer une clé et proposer la politique"),
    "guide-policy-other": ("Write one of your own instead", "Écrire plutôt la vôtre"),
    "guide-policy-ask": (
        "You may not write policies: ask {names}.",
        "Vous ne pouvez pas écrire de politiques : demandez à {names}.",
    ),
    "guide-reason": ("The first policy, from the guide.", "La première politique, issue du guide."),
    "guide-draft": ("First policy", "Première politique"),
    "guide-key": ("The key of {agent}", "La clé de {agent}"),
    "guide-key-about": (
        "It is shown this once: keep it where the agent finds it. The policy has only its hash.",
        "Elle n’est montrée que cette fois : gardez-la là où l’agent la trouve. La politique n’en contient que l’empreinte.",
    ),
    "guide-approval-about": (
        "Proposal {number} by {author} waits for somebody else.",
        "La proposition {number} de {author} attend une autre personne.",
    ),
    "guide-approval-ask": (
        "Ask one of them to open it and approve: {names}.",
        "Demandez à l’une de ces personnes de l’ouvrir et de l’approuver : {names}.",
    ),
    "guide-approval-go": ("Look at it and approve", "L’examiner et l’approuver"),
    "guide-approval-see": ("See the proposal", "Voir la proposition"),
    "guide-gateway-about": (
        "Revision {revision} is active, and no gateway runs it yet. Start one: pilote gateway, or pilote up for everything.",
        "La révision {revision} est active, et aucune passerelle ne l’applique encore. Démarrez-en une : pilote gateway, ou pilote up pour tout.",
    ),
    "guide-call-about": (
        "Call through the gateway with the key. This page shows the decision as soon as it is stored.",
        "Appelez à travers la passerelle avec la clé. Cette page montre la décision dès qu’elle est enregistrée.",
    ),
    "guide-call-where": (
        "Agents reach the gateway at {gateway}. If that is not so, set PILOTE_GATEWAY_ADDRESS for the control plane.",
        "Les agents joignent la passerelle à l’adresse {gateway}. Sinon, définissez PILOTE_GATEWAY_ADDRESS pour le plan de contrôle.",
    ),
    "guide-with-pilote": ("With pilote", "Avec pilote"),
    "guide-with-grpcurl": ("With grpcurl", "Avec grpcurl"),
    "guide-with-python": ("From Python", "Depuis Python"),
    "guide-waiting": ("Waiting for the first call", "En attente du premier appel"),
    "guide-done": ("The first call is governed", "Le premier appel est gouverné"),
    "guide-done-about": ("This is what Pilote knows of it:", "Voici ce que Pilote en sait :"),
    "guide-done-now": ("See what happens now", "Voir ce qui se passe en direct"),
    "guide-done-policy": ("Allow more in the policy", "Autoriser davantage dans la politique"),
    "guide-nobody": ("nobody yet", "personne pour l’instant"),
}
