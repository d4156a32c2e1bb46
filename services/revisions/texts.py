"""What the commands about revisions, proposals and people say, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "applied": ("Revision {number} is active ({sha256}).", "La révision {number} est active ({sha256})."),
    "nobody-asked": (
        "Nobody else was asked: the policy names no people. See `pilote people new`.",
        "Personne d’autre n’a été consulté : la politique ne nomme personne. Voyez `pilote people new`.",
    ),
    "proposed": (
        "Proposal {number} waits for {count} person(s) other than {author}: pilote approve {number} --by NAME --key FILE",
        "La proposition {number} attend {count} personne(s) autre(s) que {author} : pilote approve {number} --by NOM --key FICHIER",
    ),
    "agreed": (
        "{person} agrees to proposal {number}; {count} more must.",
        "{person} approuve la proposition {number} ; il en faut encore {count}.",
    ),
    "activated": (
        "Proposal {number} is active as revision {revision}.",
        "La proposition {number} est active comme révision {revision}.",
    ),
    "ended": ("Proposal {number} is {state}.", "La proposition {number} est {state}."),
    "rolled-back": (
        "Revision {number} is active: revision {restores} again.",
        "La révision {number} est active : c’est à nouveau la révision {restores}.",
    ),
    "who": (
        "The policy names people, so a change must be signed: --author NAME --key FILE, one of {names}.",
        "La politique nomme des personnes, tout changement doit donc être signé : --author NOM --key FICHIER, parmi {names}.",
    ),
    "key-file": ("Name the file with your key: --key FILE.", "Indiquez le fichier de votre clé : --key FICHIER."),
    "reason": (
        "Say why, for those who read the history: --reason, 1 to 1000 characters.",
        "Dites pourquoi, pour qui lira l’historique : --reason, de 1 à 1000 caractères.",
    ),
    "decision-unknown": (
        "There is no decision {decision}: an id has 32 hexadecimal digits.",
        "Il n’y a pas de décision {decision} : un identifiant compte 32 chiffres hexadécimaux.",
    ),
    "values-key": (
        "The master key that opens this is not in the key file of the control plane.",
        "La clé maîtresse qui ouvre ceci n’est pas dans le fichier de clés du plan de contrôle.",
    ),
    "values-damaged": (
        "What is kept of it was changed, or another version wrote it.",
        "Ce qui en est conservé a été modifié, ou une autre version l’a écrit.",
    ),
    "comment": (
        "A comment has at most 1000 characters.",
        "Un commentaire compte au plus 1000 caractères.",
    ),
    "unknown": (
        "There is no proposal {number}: pilote proposals list",
        "Il n’y a pas de proposition {number} : pilote proposals list",
    ),
    "over": (
        "Proposal {number} is {state} already; it takes no more votes.",
        "La proposition {number} est déjà {state} ; elle n’admet plus de vote.",
    ),
    "stranger": (
        "The active policy names nobody {person} in `people`.",
        "La politique active ne nomme pas {person} dans `people`.",
    ),
    "author": (
        "{person} may not write policies: see `people` of the active policy.",
        "{person} n’a pas le droit d’écrire des politiques : voyez `people` de la politique active.",
    ),
    "right": (
        "{person} may not approve policies: see `people` of the active policy.",
        "{person} n’a pas le droit d’approuver des politiques : voyez `people` de la politique active.",
    ),
    "self": (
        "{person} wrote this proposal: somebody else must decide about it; `pilote proposals withdraw` takes it back.",
        "{person} est l’auteur de cette proposition : à quelqu’un d’autre d’en décider ; `pilote proposals withdraw` la retire.",
    ),
    "withdraw": (
        "Only its author {author} withdraws a proposal; others refuse it.",
        "Seul son auteur {author} retire une proposition ; les autres la refusent.",
    ),
    "key": (
        "This is not the key of {person}: see `public_key` in the active policy.",
        "Ce n’est pas la clé de {person} : voyez `public_key` dans la politique active.",
    ),
    "look-plan": (
        "Nobody has looked yet at what proposal {number} would change: pilote plan --proposal {number}",
        "Personne n’a encore regardé ce que la proposition {number} changerait : pilote plan --proposal {number}",
    ),
    "look-backtest": (
        "Nobody has looked yet at what proposal {number} would have decided: pilote plan --proposal {number} --backtest",
        "Personne n’a encore regardé ce que la proposition {number} aurait décidé : pilote plan --proposal {number} --backtest",
    ),
    "twice": ("{person} has agreed to this already.", "{person} a déjà donné son accord."),
    "altered": (
        "What is stored under {number} is not what its author signed: do not approve it, and find out who wrote to the store.",
        "Ce qui est enregistré sous {number} n’est pas ce que son auteur a signé : ne l’approuvez pas et cherchez qui a écrit dans le stockage.",
    ),
    "conflict-apply": (
        "Revision {active} became active in the meantime; your file was made from {base}. Nothing was changed.",
        "La révision {active} est devenue active entre-temps ; votre fichier part de la {base}. Rien n’a été modifié.",
    ),
    "conflict-proposal": (
        "Revision {active} became active in the meantime; proposal {number} was made from {base}, and nobody has agreed to it on top of that. Nothing was changed.",
        "La révision {active} est devenue active entre-temps ; la proposition {number} part de la {base} et personne ne l’a approuvée par-dessus. Rien n’a été modifié.",
    ),
    "conflict-theirs": ("Changed in the meantime:", "Changé entre-temps :"),
    "conflict-ours": ("Changed by you ({who}):", "Changé par vous ({who}) :"),
    "conflict-you": ("your file", "votre fichier"),
    "conflict-both": ("Both touch:", "Touché des deux côtés :"),
    "conflict-mend": (
        "Edit these from revision {active} on (pilote revisions show {active}), then apply.",
        "Reprenez-les à partir de la révision {active} (pilote revisions show {active}), puis appliquez.",
    ),
    "conflict-file": (
        "Both can stand together: pilote rebase --file FILE --base {base} > merged.yaml, check it and apply it.",
        "Les deux peuvent aller ensemble : pilote rebase --file FICHIER --base {base} > fusion.yaml, vérifiez-la et appliquez-la.",
    ),
    "conflict-number": (
        "Both can stand together: pilote rebase {number} > merged.yaml, check it and apply it.",
        "Les deux peuvent aller ensemble : pilote rebase {number} > fusion.yaml, vérifiez-la et appliquez-la.",
    ),
    "order": ("the order of {section}", "l’ordre de {section}"),
    "nothing": ("nothing", "rien"),
    "revision-unknown": (
        "There is no revision {number}: pilote history",
        "Il n’y a pas de révision {number} : pilote history",
    ),
    "revision-unreadable": (
        "Revision {number} cannot be read by this version of Pilote.",
        "La révision {number} n’est pas lisible par cette version de Pilote.",
    ),
    "nothing-before": (
        "There is nothing to go back to: revision {number} is the first that says what it says.",
        "Il n’y a rien à quoi revenir : la révision {number} est la première à dire ce qu’elle dit.",
    ),
    "no-policy": (
        "No policy is active yet: pilote apply FILE",
        "Aucune politique n’est encore active : pilote apply FICHIER",
    ),
    "distrusted": (
        "Gateways would not run this revision: {why}.",
        "Les passerelles refuseraient cette révision : {why}.",
    ),
    "busy": (
        "Others publish all the time; nothing was changed. Try again.",
        "D’autres publient sans cesse ; rien n’a été modifié. Réessayez.",
    ),
    "unusable": (
        "What would become active has {count} mistakes, the first at {path}: {problem}.",
        "Ce qui deviendrait actif contient {count} erreurs, la première à {path} : {problem}.",
    ),
    "probes-unknown": (
        "There is no suite {suite}, which must have passed before this becomes active (and {more} more): save it by `pilote probes save`, run `{command}`, then try again.",
        "La suite {suite}, qui doit être passée avant l’activation, n’existe pas (et {more} de plus) : enregistrez-la par `pilote probes save`, lancez `{command}`, puis recommencez.",
    ),
    "probes-never": (
        "The suite {suite} must have passed for exactly this before it becomes active (and {more} more): run `{command}`, then try again.",
        "La suite {suite} doit être passée pour exactement ceci avant l’activation (et {more} de plus) : lancez `{command}`, puis recommencez.",
    ),
    "probes-failed": (
        "The suite {suite} does not hold for this (and {more} more do not): run `{command}` to see what fails, mend it, then try again.",
        "La suite {suite} ne tient pas pour ceci (et {more} de plus) : lancez `{command}` pour voir ce qui échoue, corrigez, puis recommencez.",
    ),
    "audit-down": (
        "The audit service does not answer now; retry.",
        "Le service d’audit ne répond pas pour l’instant ; réessayez.",
    ),
    "audit-slow": (
        "The answer takes too long: bound the time, as in since(24h).",
        "La réponse prend trop de temps : bornez la période, comme since(24h).",
    ),
    "export-format": (
        "The format is one of {known}.",
        "Le format est l’un de {known}.",
    ),
    "arms-both": (
        "Give a route or an experiment, not both.",
        "Donnez une route ou une expérience, pas les deux.",
    ),
    "exports-full": (
        "Too many exports are being written here; retry later.",
        "Trop d’exports sont déjà en cours ici ; réessayez plus tard.",
    ),
    "replays-full": (
        "Too many decisions are replayed here at once; retry in a moment.",
        "Trop de décisions sont rejouées ici en même temps ; réessayez dans un instant.",
    ),
    "tails-full": (
        "Too many people follow decisions here; retry later.",
        "Trop de personnes suivent déjà les décisions ici ; réessayez plus tard.",
    ),
    "asked-unsigned": (
        "Sign the request: authorization: Pilote-Ed25519 person=NAME, created=MILLISECONDS, signature=HEX.",
        "Signez la requête : authorization: Pilote-Ed25519 person=NOM, created=MILLISECONDES, signature=HEXA.",
    ),
    "asked-late": (
        "The request was not signed just now; compare your clock with this machine’s.",
        "La requête n’a pas été signée à l’instant ; comparez votre horloge à celle de cette machine.",
    ),
    "asked-stranger": (
        "The signature is not that of anybody whom the active policy names in `people`.",
        "La signature n’est celle d’aucune personne que la politique active nomme dans `people`.",
    ),
    "asked-nobody": (
        "The active policy names no people, so nobody can be known here: use the command line.",
        "La politique active ne nomme personne, nul ne peut donc être reconnu ici : utilisez la ligne de commande.",
    ),
    "asked-token": (
        "This token is none, has expired or was revoked, or its owner may not log in any more. Make a new one.",
        "Ce jeton n’en est pas un, a expiré ou a été révoqué, ou son propriétaire ne peut plus se connecter. Créez-en un nouveau.",
    ),
    "asked-nobody-known": (
        "Log in, or send an API token: authorization: Bearer plt_…; or sign the request with your key.",
        "Connectez-vous, ou envoyez un jeton d’API : authorization: Bearer plt_… ; ou signez la requête avec votre clé.",
    ),
    "forbidden": (
        "You may not do this: it needs the right {right}. Ask somebody who manages people.",
        "Vous n’en avez pas le droit : il faut le droit {right}. Demandez à qui gère les personnes.",
    ),
    "forbidden-tenant": (
        "You may not do this for the tenant {tenant}: it needs the right {right} there. Ask somebody who manages people.",
        "Vous n’en avez pas le droit pour l’organisation {tenant} : il y faut le droit {right}. Demandez à qui gère les personnes.",
    ),
    "internal": (
        "A mistake of ours; it is in our log.",
        "Une erreur de notre fait ; elle figure dans notre journal.",
    ),
    "body": (
        "The body cannot be read: {problem}.",
        "Le corps de la requête ne peut être lu : {problem}.",
    ),
    "parameters": (
        "A parameter cannot be read; see `mistakes`.",
        "Un paramètre ne peut être lu ; voyez `mistakes`.",
    ),
    "store-down": (
        "The store does not answer now; retry.",
        "Le magasin ne répond pas pour l’instant ; réessayez.",
    ),
    "http-404": (
        "There is nothing at this address; /schema describes what there is.",
        "Il n’y a rien à cette adresse ; /schema décrit ce qui existe.",
    ),
    "http-405": (
        "This address does not know the method; the header `allow` names those that it knows.",
        "Cette adresse ne connaît pas la méthode ; l’en-tête `allow` nomme celles qu’elle connaît.",
    ),
    "http-413": (
        "The body is too large; /schema says what is allowed.",
        "Le corps de la requête est trop grand ; /schema indique ce qui est admis.",
    ),
    "http-415": (
        "Send the body as application/json.",
        "Envoyez le corps en application/json.",
    ),
    "suite-mistakes": (
        "The suite has {count} mistakes.",
        "La suite contient {count} erreurs.",
    ),
    "mistakes": (
        "The policy has {count} mistakes.",
        "La politique contient {count} erreurs.",
    ),
    "not-drafted": (
        "Statement and policy do not belong together: sign what a draft gives, and send both as they are.",
        "La déclaration et la politique ne vont pas ensemble : signez ce que donne un brouillon et envoyez les deux tels quels.",
    ),
    "people-key": (
        "The private key of {name} is in {file}: keep it where only {name} reads it, it cannot be made again. Put this into `people` of the policy:",
        "La clé privée de {name} est dans {file} : gardez-la là où {name} est seul à la lire, on ne peut pas la refaire. Ajoutez ceci à `people` dans la politique :",
    ),
    "people-there": (
        "{file} exists already and is left as it is.",
        "{file} existe déjà et reste tel quel.",
    ),
    "people-unwritten": ("{file} cannot be written.", "{file} ne peut pas être écrit."),
    "people-unread": ("{file} cannot be read.", "{file} ne peut pas être lu."),
    "people-name": (
        "{name} is no name: use lower-case letters, digits, '-', '_' and '.', beginning with a letter, at most 63.",
        "{name} n’est pas un nom : lettres minuscules, chiffres, '-', '_' et '.', en commençant par une lettre, 63 au plus.",
    ),
    "rebase-what": (
        "Say what to rebase: the number of a proposal, or --file FILE --base NUMBER.",
        "Dites quoi rebaser : le numéro d’une proposition, ou --file FICHIER --base NUMÉRO.",
    ),
    "state-waiting": ("waiting", "en attente"),
    "state-active": ("active", "active"),
    "state-refused": ("refused", "refusée"),
    "state-withdrawn": ("withdrawn", "retirée"),
    "how-apply": ("applied", "appliquée"),
    "how-rollback": ("rolled back to {restores}", "retour à la {restores}"),
    "how-rollout": ("rollout", "déploiement"),
    "how-astray": ("never run: not properly signed", "jamais exécutée : mal signée"),
    "how-unknown": ("earlier version", "version antérieure"),
    "controller": ("controller", "contrôleur"),
    "history-columns": (
        "revision|when|author|how|approved by|reason|sha256",
        "révision|quand|auteur|origine|approuvée par|motif|sha256",
    ),
    "proposal-columns": (
        "proposal|state|author|when|base|agreed|reason",
        "proposition|état|auteur|quand|base|accords|motif",
    ),
    "worker-columns": (
        "worker|revision|since|swap|state|version|kind",
        "processus|révision|depuis|bascule|état|version|rôle",
    ),
    "kind-gateway": ("gateway", "passerelle"),
    "kind-decision-worker": ("decision worker", "processus de décision"),
    "kind-intake": ("intake", "collecte"),
    "worker-current": ("current", "à jour"),
    "worker-behind": ("behind: {active} is active", "en retard : la {active} est active"),
    "worker-refused": ("refuses {number}: {why}", "refuse la {number} : {why}"),
    "worker-unusable": (
        "it has mistakes here, which are in the log",
        "elle contient ici des erreurs, notées au journal",
    ),
    "workers-none": ("No worker has said anything lately.", "Aucun processus ne s’est manifesté récemment."),
    "show-made": (
        "Proposal {number} of {author}, {when}, made from revision {base}: {state}. {reason}",
        "Proposition {number} de {author}, {when}, à partir de la révision {base} : {state}. {reason}",
    ),
    "stage-checked": ("checked", "vérifiée"),
    "stage-planned": ("planned", "planifiée"),
    "stage-backtested": ("backtested", "rejouée"),
    "show-look-plan": (
        "Planned {when}: it may touch {calls} of {of} calls.",
        "Planifiée {when} : elle peut toucher {calls} appels sur {of}.",
    ),
    "show-look-backtest": (
        "Backtested {when}: {calls} of {of} replayed calls would have ended otherwise.",
        "Rejouée {when} : {calls} appels rejoués sur {of} auraient fini autrement.",
    ),
    "show-agreed": ("{person} agreed, {when}. {comment}", "{person} a approuvé, {when}. {comment}"),
    "show-ended": ("{person}: {state}, {when}. {comment}", "{person} : {state}, {when}. {comment}"),
    "show-plan": (
        "Whom that concerns, and what it would have refused: pilote plan --proposal {number} --backtest",
        "Qui est concerné, et ce qui aurait été refusé : pilote plan --proposal {number} --backtest",
    ),
    "plan-what": (
        "Say what to plan with: a FILE, or --proposal NUMBER.",
        "Dites sur quoi planifier : un FICHIER, ou --proposal NUMÉRO.",
    ),
    "proposal": ("Proposal {number}", "Le texte de la proposition {number}"),
    "made-from": (
        "Made from revision {number}: apply with --expect {number}",
        "À partir de la révision {number} : appliquez avec --expect {number}",
    ),
    "show-changes": ("It changes:", "Elle change :"),
}


say: Final = saying(_TEXTS)
"""The text of a key, in a language."""
