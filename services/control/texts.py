"""What operations of the control plane say where they do nothing, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "store-down": (
        "The store does not answer, so nothing was done; retry.",
        "Le registre ne répond pas, rien n’a donc été fait ; réessayez.",
    ),
    "suite-none": (
        "There is no suite of probes {name} that you may see.",
        "Il n’y a pas de suite de sondes {name} que vous puissiez voir.",
    ),
    "suite-changed": (
        "Somebody has changed or deleted this suite meanwhile, so nothing was done: look at it, then try again.",
        "Quelqu’un a modifié ou supprimé cette suite entre-temps, rien n’a donc été fait : regardez-la, puis réessayez.",
    ),
    "suites-full": (
        "There are {most} suites of probes already: delete one that nothing asks for.",
        "Il y a déjà {most} suites de sondes : supprimez-en une que rien ne demande.",
    ),
    "probe-target": (
        "Name a draft or a revision, not both; without either the active policy is probed.",
        "Nommez un brouillon ou une révision, pas les deux ; sans l’un ni l’autre, la politique active est sondée.",
    ),
    "probe-no-policy": (
        "No policy is active yet: say which draft or revision is to be probed.",
        "Aucune politique n’est encore active : dites quel brouillon ou quelle révision sonder.",
    ),
    "change-unrecorded": (
        "Nothing was changed, because the log cannot take down now who changes what; retry.",
        "Rien n’a été modifié, car le journal ne peut noter maintenant qui modifie quoi ; réessayez.",
    ),
    "vault-attribute": (
        "The vault knows no such attribute; it knows {known}.",
        "Le coffre ne connaît pas cet attribut ; il connaît {known}.",
    ),
    "vault-days": (
        "Say after how many days it is deleted, 1 to {most}.",
        "Dites au bout de combien de jours il est supprimé, de 1 à {most}.",
    ),
    "vault-down": (
        "The process that keeps the vault does not answer; retry.",
        "Le processus qui garde le coffre ne répond pas ; réessayez.",
    ),
    "vault-rows": (
        "Nothing was loaded: {count} lines are wrong, the first is line {line}. Mend them, and load the whole file again.",
        "Rien n’a été chargé : {count} lignes sont erronées, la première est la ligne {line}. Corrigez-les et rechargez tout le fichier.",
    ),
    "column-unknown": (
        "A list of decisions has no column {column}; it has {known}.",
        "Une liste de décisions n’a pas de colonne {column} ; elle a {known}.",
    ),
    "key-draft": ("New key {key} of {agent}", "Nouvelle clé {key} de {agent}"),
    "subject-needed": (
        "Name the customer by their resource name, such as contacts/cnt_000001.",
        "Nommez le client par son nom de ressource, par exemple contacts/cnt_000001.",
    ),
    "tenant-needed": (
        "Say whose customer it is: a report is about one tenant’s.",
        "Dites de quelle organisation est ce client : un rapport porte sur une seule.",
    ),
    "report-unknown": (
        "You have no report {name}: reports are kept for a day, and are their owner’s only.",
        "Vous n’avez pas de rapport {name} : les rapports sont gardés un jour, et n’appartiennent qu’à leur auteur.",
    ),
    "report-person-long": (
        "More than {most} decisions concern this customer, too many for such a file: take the report as JSON.",
        "Plus de {most} décisions concernent ce client, trop pour un tel fichier : prenez le rapport en JSON.",
    ),
    "report-person-unset": (
        "The file could not be set, for lack of time or memory: retry, or take the report as JSON.",
        "Le fichier n’a pas pu être mis en page, faute de temps ou de mémoire : réessayez, ou prenez le rapport en JSON.",
    ),
    "digest-form": (
        "There is no digest as “{form}”: take it as one of {forms}.",
        "Il n’y a pas de bilan au format « {form} » : prenez-le en {forms}.",
    ),
    "digest-unset": (
        "The digest could not be set, for lack of time or memory: retry, or take it as JSON.",
        "Le bilan n’a pas pu être mis en page, faute de temps ou de mémoire : réessayez, ou prenez-le en JSON.",
    ),
    "report-form": (
        "Choose what the report is about from the list, and days that there are, such as 2026-11-24.",
        "Choisissez le sujet dans la liste, et des jours qui existent, comme 2026-11-24.",
    ),
    "report-not-made": (
        "{name} is not made: look at its state, and ask again once it has succeeded.",
        "{name} n’est pas établi : voyez son état, et redemandez-le une fois qu’il a abouti.",
    ),
    "approval-unknown": (
        "There is no approval {name} that you may see.",
        "Il n’y a pas d’approbation {name} que vous puissiez voir.",
    ),
    "approval-there": (
        "{person} asks for the same already: look at {name}, and agree to it or refuse it.",
        "{person} demande déjà la même chose : voyez {name}, puis approuvez-la ou refusez-la.",
    ),
    "approvals-full": (
        "{most} approvals wait already: decide about some of them first.",
        "{most} approbations attendent déjà : décidez d’abord de certaines d’entre elles.",
    ),
    "approval-own": (
        "You have asked for {name} yourself: somebody else must agree to it.",
        "Vous avez demandé {name} vous-même : à quelqu’un d’autre de l’approuver.",
    ),
    "approval-own-refused": (
        "You have asked for {name} yourself: withdraw it instead.",
        "Vous avez demandé {name} vous-même : retirez-la plutôt.",
    ),
    "approval-others": (
        "{person} has asked for {name}: only they can withdraw it; you can refuse it.",
        "{person} a demandé {name} : elle seule ou lui seul peut la retirer ; vous pouvez la refuser.",
    ),
    "approval-decided": (
        "{name} waits no more: look at what became of it.",
        "{name} n’attend plus : voyez ce qu’il en est advenu.",
    ),
    "approval-not-failed": (
        "{name} has not failed, so there is nothing to retry.",
        "{name} n’a pas échoué, il n’y a donc rien à reprendre.",
    ),
    "approval-not-yours": (
        "Only {one}, who asked for {name}, and {two}, who agreed, can retry it.",
        "Seules les personnes qui ont demandé ({one}) et approuvé ({two}) {name} peuvent la reprendre.",
    ),
    "approval-unreadable": (
        "What {name} asks for was sealed with another key, so it cannot be carried out here: ask anew.",
        "Ce que demande {name} a été scellé avec une autre clé et ne peut être exécuté ici : refaites la demande.",
    ),
    "reason-needed": (
        "Say why, in 1 to {most} characters: it stays in the record.",
        "Dites pourquoi, en 1 à {most} caractères : le registre le garde.",
    ),
    "day-unreadable": (
        "{field} is no day: write it such as 2026-11-01.",
        "{field} n’est pas un jour : écrivez-le comme 2026-11-01.",
    ),
    "days-backwards": (
        "The first day, {first}, is after the last one, {last}: exchange them.",
        "Le premier jour, {first}, est après le dernier, {last} : échangez-les.",
    ),
    "days-too-many": (
        "At most {most} days can be asked for: choose fewer.",
        "{most} jours au plus peuvent être demandés : choisissez-en moins.",
    ),
    "tenant-unknown": (
        "The active policy has no tenant {tenant}; it has: {tenants}.",
        "La politique active n’a pas d’organisation {tenant} ; elle a : {tenants}.",
    ),
    "guide-name": (
        "Write a name of lower-case letters, digits, dots, dashes and underscores, beginning with a letter: at most 63.",
        "Écrivez un nom en minuscules, chiffres, points, tirets et tirets bas, commençant par une lettre : 63 caractères au plus.",
    ),
    "guide-address": (
        "Write where the CRM's gRPC service answers, as host:port, such as 127.0.0.1:50061.",
        "Écrivez où répond le service gRPC du CRM, sous la forme hôte:port, par exemple 127.0.0.1:50061.",
    ),
    "now-full": (
        "Too many look at what happens now, {most} at most: close a window that nobody looks at, or ask every few seconds.",
        "Trop de personnes suivent le direct, {most} au plus : fermez une fenêtre que personne ne regarde, ou interrogez toutes les quelques secondes.",
    ),
    "now-draining": (
        "The control plane is stopping: follow again, another one answers.",
        "Le plan de contrôle s’arrête : suivez à nouveau, un autre répond.",
    ),
    "now-audit": (
        "The audit service does not answer: start it, or look at its log. Calls go on, and wait to be stored.",
        "Le service d’audit ne répond pas : démarrez-le, ou consultez son journal. Les appels continuent, et attendent d’être enregistrés.",
    ),
    "now-store": (
        "The store does not answer, or a part of it: see that it runs. What gateways do then, the policy says.",
        "Le registre, ou une partie, ne répond pas : vérifiez qu’il tourne. La politique dit ce que font alors les passerelles.",
    ),
    "now-slow": (
        "This takes too long now, and is tried again every second: see what keeps the store or the audit service busy.",
        "Ceci prend trop de temps, et une nouvelle tentative suit chaque seconde : cherchez ce qui occupe le registre ou le service d’audit.",
    ),
    "now-internal": (
        "A mistake of ours; it is in the log of the control plane.",
        "Une erreur de notre fait ; elle est dans le journal du plan de contrôle.",
    ),
    "stop-unknown": (
        "Nothing can be stopped by this name: write all, agent=NAME, version=MODEL/VERSION, route=NAME or channel=NAME.",
        "Rien ne peut être arrêté sous ce nom : écrivez all, agent=NOM, version=MODÈLE/VERSION, route=NOM ou channel=NOM.",
    ),
    "stop-exists": (
        "{what} is stopped for {tenant} already: {why}",
        "{what} est déjà à l’arrêt pour {tenant} : {why}",
    ),
    "webhook-none": (
        "There is no webhook {webhook} that you may see.",
        "Il n’y a pas de webhook {webhook} que vous puissiez voir.",
    ),
    "delivery-none": (
        "There is no delivery {delivery} to {webhook}: it has arrived meanwhile, or was never queued.",
        "Il n’y a pas d’envoi {delivery} vers {webhook} : il est arrivé entre-temps, ou n’a jamais été mis en file.",
    ),
    "stop-none": (
        "{what} is not stopped for {tenant}.",
        "{what} n’est pas à l’arrêt pour {tenant}.",
    ),
    "stop-moving": (
        "{tenant} was halted to move it, and some gateways still go by where it was: resume it in a few seconds.",
        "{tenant} a été suspendu pour être déplacé, et des passerelles suivent encore l’ancien emplacement : reprenez dans quelques secondes.",
    ),
    "key-shape": (
        "An idempotency key has 1 to 128 visible characters of ASCII.",
        "Une clé d’idempotence compte 1 à 128 caractères visibles de l’ASCII.",
    ),
    "key-reused": (
        "This idempotency key was used for another change: choose a new one.",
        "Cette clé d’idempotence a déjà servi pour un autre changement : choisissez-en une nouvelle.",
    ),
    "key-running": (
        "The change that was first sent under this key is being made: retry in a moment.",
        "Le changement envoyé d’abord sous cette clé est en cours : réessayez dans un instant.",
    ),
    "told-once": (
        "This was done under the same key, and its answer was told once only: look at what there is now.",
        "Cela a été fait sous la même clé, et la réponse ne se donne qu’une fois : regardez ce qu’il y a maintenant.",
    ),
    "page-token": (
        "This is no page token of this list: begin again without one.",
        "Ce n’est pas un jeton de page de cette liste : recommencez sans jeton.",
    ),
    "hold-none": (
        "There is no {hold}, or it is not yours to see; what is over is forgotten after a week.",
        "Il n’y a pas de {hold}, ou il ne vous revient pas de le voir ; ce qui est clos est oublié après une semaine.",
    ),
    "hold-damaged": (
        "What was kept of {hold} has been changed since. It cannot be approved: refuse it, and find out who did that.",
        "Ce qui a été conservé de {hold} a été modifié depuis. L’approbation est impossible : refusez-le et cherchez qui l’a fait.",
    ),
    "hold-key": (
        "{hold} was sealed with a key that the control plane has not, so it can only be refused here: give it the hold key file of the gateways.",
        "{hold} a été scellé avec une clé que le plan de contrôle n’a pas, il ne peut donc qu’être refusé ici : donnez-lui le fichier de clés des passerelles.",
    ),
    "hold-unleased": (
        "Claim {hold} first, so that nobody else decides about it meanwhile.",
        "Réservez d’abord {hold}, afin que personne d’autre ne se prononce entre-temps.",
    ),
    "hold-leased": (
        "{holder} is looking at {hold}, until {until}: choose another, or come back.",
        "{holder} examine {hold}, jusqu’à {until} : choisissez-en un autre, ou revenez.",
    ),
    "hold-decided": (
        "{hold} is {state} already: {decider} has decided ({comment}).",
        "{hold} est déjà {state} : {decider} s’est prononcé ({comment}).",
    ),
    "hold-too-late": (
        "It is too late to decide about {hold}: it is {state}, or its time is over.",
        "Il est trop tard pour se prononcer sur {hold} : il est {state}, ou son délai est passé.",
    ),
    "hold-needs-nobody": (
        "{hold} waits for a time, not for a person: it is made at {until}. It can only be refused.",
        "{hold} attend une heure, pas une personne : il sera fait à {until}. Il peut seulement être refusé.",
    ),
    "said": ("{text}", "{text}"),
    "experiment-none": (
        "There is no experiment {name} in the active policy.",
        "Il n’y a pas d’expérience {name} dans la politique active.",
    ),
    "objective-none": ("There is no objective {name}.", "Il n’y a pas d’objectif {name}."),
    "route-none": (
        "There is no route {name} in the active policy.",
        "Il n’y a pas de route {name} dans la politique active.",
    ),
    "version-none": (
        "There is no {name} in the active policy.",
        "Il n’y a pas de {name} dans la politique active.",
    ),
    "sums-wrong": (
        "What was summed of {measure} for {arm} cannot be: please report this.",
        "Ce qui a été sommé de {measure} pour {arm} est impossible : merci de le signaler.",
    ),
    "form": (
        "The form cannot be read at {name}: fill it in again.",
        "Le formulaire est illisible à {name} : remplissez-le à nouveau.",
    ),
    "match-needed": (
        "Say which version you have seen: send its ETag as `if-match`.",
        "Indiquez la version que vous avez vue : envoyez son ETag dans `if-match`.",
    ),
    "match-shape": (
        'Send ETags in quotes with commas between, such as "3", or * for any.',
        'Envoyez des ETags entre guillemets droits, séparés par des virgules, par exemple "3", ou * pour n’importe lequel.',
    ),
    "view-changed": (
        "The view has changed since you read it: read it again.",
        "La vue a changé depuis que vous l’avez lue : relisez-la.",
    ),
    "finding-none": (
        "There is no {name}, or it is not yours to see.",
        "Il n’y a pas de {name}, ou il ne vous revient pas de le voir.",
    ),
    "finding-changed": (
        "The finding has changed since you saw it: look at it again.",
        "Le constat a changé depuis que vous l’avez vu : regardez-le à nouveau.",
    ),
    "finding-own": (
        "{name} is about how you review: you may say something about it, and who sets the rules of reviews closes it.",
        "{name} porte sur votre façon de relire : vous pouvez le commenter, et qui fixe les règles de revue le clôt.",
    ),
    "finding-no-decisions": (
        "This finding names no decision whose record is still kept: flag some of those that its filter finds.",
        "Ce constat ne nomme aucune décision dont l’enregistrement existe encore : signalez-en parmi celles que trouve son filtre.",
    ),
    "finding-judged": (
        "All decisions that it names were judged already: look at what reviews tell.",
        "Toutes les décisions qu’il nomme ont déjà été jugées : voyez ce que disent les revues.",
    ),
    "finding-personal": (
        "It is about how one person reviews, so no other system is told of it.",
        "Ce constat porte sur la façon de relire d’une personne : aucun autre système n’en est prévenu.",
    ),
    "finding-owner": (
        "Nobody here is called {owner}: name an account, or a person of the active policy.",
        "Personne ne s’appelle {owner} ici : nommez un compte, ou une personne de la politique active.",
    ),
    "finding-due": (
        "Name a time from now on, within ten years.",
        "Indiquez un moment à venir, d’ici dix ans.",
    ),
    "finding-no-probe": (
        "No probe can be made of it: none of its decisions is kept any more, or the active policy does not know their methods.",
        "Aucune sonde ne peut en être tirée : aucune de ses décisions n’est plus conservée, ou la politique active ne connaît pas leurs méthodes.",
    ),
    "review-no-probe": (
        "No probe can be made of it: it was not found wrong with another verdict, its decision is not kept any more, or the active policy does not know its method.",
        "Aucune sonde ne peut en être tirée : elle n’a pas été jugée fausse avec un autre verdict, sa décision n’est plus conservée, ou la politique active ne connaît pas sa méthode.",
    ),
    "finding-no-rule": (
        "This finding is about nothing that a rule can ask of a call: write the rule yourself, in a draft.",
        "Ce constat ne porte sur rien qu’une règle puisse demander à un appel : écrivez la règle vous-même, dans un brouillon.",
    ),
    "finding-nobody-told": (
        "No other system is told of findings of {tenant}: an operator adds one with pilote webhooks add URL --event finding.sent.",
        "Aucun autre système n’est prévenu des constats de {tenant} : un exploitant en ajoute un par pilote webhooks add URL --event finding.sent.",
    ),
    "review-none": (
        "There is no {name}, or it is not yours to see.",
        "Il n’y a pas de {name}, ou il ne vous revient pas de le voir.",
    ),
    "review-not-yours": (
        "You do not have {name}, or not any more: take the next one.",
        "Vous n’avez pas {name}, ou plus : prenez la revue suivante.",
    ),
    "review-unfit": (
        "A decision that came to {verdict} cannot have that label, or that corrected verdict: choose another.",
        "Une décision dont le verdict est {verdict} ne peut porter cette étiquette, ni ce verdict corrigé : choisissez-en un autre.",
    ),
    "review-settled": (
        "{name} was judged already: look at what it came to.",
        "{name} a déjà été jugée : voyez ce qu’il en est advenu.",
    ),
    "review-busy": (
        "{name} is being changed by others: try again.",
        "{name} est en cours de modification par d’autres : réessayez.",
    ),
    "review-known-full": (
        "There are 500 decisions with a known answer already, which is all that is kept.",
        "Il y a déjà 500 décisions dont la réponse est connue, c’est tout ce qui est conservé.",
    ),
    "review-rules-changed": (
        "The rules of reviews have changed since you read them: read them again.",
        "Les règles de revue ont changé depuis que vous les avez lues : relisez-les.",
    ),
    "rollout-none": (
        "There is no rollout {name} in the active policy.",
        "Il n’y a pas de déploiement {name} dans la politique active.",
    ),
    "rollout-moved": (
        "{name} has moved since you saw it: look at it again.",
        "{name} a bougé depuis que vous l’avez vu : regardez-le à nouveau.",
    ),
    "rollout-no-policy": (
        "No policy is active yet, so there is no rollout: propose a policy first.",
        "Aucune politique n’est encore active, il n’y a donc pas de déploiement : proposez d’abord une politique.",
    ),
    "rollout-nobody": (
        "The policy names who may move {name}, and you are not among them: have yourself added by a revision.",
        "La politique nomme qui peut faire avancer {name}, et vous n’en êtes pas : faites-vous ajouter par une révision.",
    ),
    "rollout-stranger": (
        "The policy names who may move {name}, and you are not among them: have yourself added by a revision.",
        "La politique nomme qui peut faire avancer {name}, et vous n’en êtes pas : faites-vous ajouter par une révision.",
    ),
    "rollout-unsigned": (
        "Moving {name} is a revision that you must sign: confirm with your password, or use a token that may sign.",
        "Faire avancer {name} est une révision que vous devez signer : confirmez par votre mot de passe, ou utilisez un jeton qui peut signer.",
    ),
    "rollout-wrong-key": (
        "The policy has another key of yours: have the new one added by a revision before you move {name}.",
        "La politique connaît une autre clé de vous : faites ajouter la nouvelle par une révision avant de faire avancer {name}.",
    ),
    "agent-none": (
        "There is no agent {agent} in the active policy, or it is not yours to see.",
        "Il n’y a pas d’agent {agent} dans la politique active, ou il ne vous revient pas de le voir.",
    ),
}

say: Final = saying(_TEXTS)
"""A text by its key, in a language, filled with values."""
