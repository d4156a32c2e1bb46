"""What people read about accounts, logging in and tokens, in English and French."""

from typing import Final

from gateway.core.texts import saying

_TEXTS: Final = {
    "login-wrong": (
        "Name and password do not belong together.",
        "Le nom et le mot de passe ne correspondent pas.",
    ),
    "login-throttled": (
        "Too many attempts from here. Try again in {seconds} s.",
        "Trop de tentatives depuis cet endroit. Réessayez dans {seconds} s.",
    ),
    "login-busy": (
        "Too many people log in just now. Try again in {seconds} s.",
        "Trop de connexions en ce moment. Réessayez dans {seconds} s.",
    ),
    "login-expired": (
        "This one-time password has expired. Ask an administrator for another one.",
        "Ce mot de passe à usage unique a expiré. Demandez-en un autre à un administrateur.",
    ),
    "login-foreign": (
        "This request comes from another site. Log in on a page of the console.",
        "Cette requête vient d’un autre site. Connectez-vous sur une page de la console.",
    ),
    "csrf": (
        "The request lacks the token of your session, or comes from another site. Load the page anew and try again; programs send `x-csrf-token` as `GET /v1/session` gives it.",
        "La requête ne porte pas le jeton de votre session, ou vient d’un autre site. Rechargez la page et réessayez ; un programme envoie `x-csrf-token` tel que `GET /v1/session` le donne.",
    ),
    "session-needed": (
        "Only you in person may do that: log in, and not with a token or a signature.",
        "Vous seul en personne pouvez le faire : connectez-vous, sans jeton ni signature.",
    ),
    "session-unknown": (
        "You have no such session, or it has ended.",
        "Vous n’avez pas cette session, ou elle est terminée.",
    ),
    "confirm-wrong": (
        "That is not your password.",
        "Ce n’est pas votre mot de passe.",
    ),
    "confirm-needed": (
        "Retype your password to confirm that it is you: POST /v1/session:confirm. It then counts for five minutes.",
        "Retapez votre mot de passe pour confirmer votre identité : POST /v1/session:confirm. La confirmation vaut cinq minutes.",
    ),
    "confirm-provider": (
        "You log in through your company: log in there once more to confirm that it is you.",
        "Vous vous connectez par votre entreprise : reconnectez-vous pour confirmer votre identité.",
    ),
    "sign-nothing": (
        "You have no key to sign with yet. Choose a password of your own first.",
        "Vous n’avez pas encore de clé de signature. Choisissez d’abord votre propre mot de passe.",
    ),
    "sign-scope": (
        "This token may not sign: make one with the scope `sign`.",
        "Ce jeton ne peut pas signer : créez-en un avec la portée `sign`.",
    ),
    "sign-stale": (
        "This token signs with a key that you had before. Make a new token.",
        "Ce jeton signe avec une clé que vous n’avez plus. Créez un nouveau jeton.",
    ),
    "password-must-change": (
        "Choose a password of your own first: POST /v1/session/password.",
        "Choisissez d’abord votre propre mot de passe : POST /v1/session/password.",
    ),
    "password-short": (
        "A password has at least 12 characters; a few words make a good one.",
        "Un mot de passe compte au moins 12 caractères ; quelques mots en font un bon.",
    ),
    "password-long": (
        "A password has at most 256 characters.",
        "Un mot de passe compte au plus 256 caractères.",
    ),
    "password-name": (
        "A password must not contain your name.",
        "Un mot de passe ne doit pas contenir votre nom.",
    ),
    "password-common": (
        "This is one of the first passwords that anybody would guess. Choose another one.",
        "C’est un des premiers mots de passe que l’on devinerait. Choisissez-en un autre.",
    ),
    "password-same": (
        "This is the password that you have. Choose another one.",
        "C’est votre mot de passe actuel. Choisissez-en un autre.",
    ),
    "password-none": (
        "You log in through your company and have no password here.",
        "Vous vous connectez par votre entreprise et n’avez pas de mot de passe ici.",
    ),
    "account-unknown": (
        "There is no account {name}.",
        "Il n’y a pas de compte {name}.",
    ),
    "account-there": (
        "There is an account {name} already. Choose another name.",
        "Le compte {name} existe déjà. Choisissez un autre nom.",
    ),
    "account-name": (
        "{name} cannot be a name: 1 to 63 lower-case letters, digits, “-”, “_” and “.”, beginning with a letter.",
        "{name} ne convient pas comme nom : 1 à 63 minuscules, chiffres, « - », « _ » et « . », en commençant par une lettre.",
    ),
    "account-not-first": (
        "There is an account already.",
        "Il y a déjà un compte.",
    ),
    "account-changed": (
        "Somebody else has changed {name} meanwhile. Read it again, and decide anew.",
        "Quelqu’un d’autre a modifié {name} entre-temps. Relisez le compte et décidez à nouveau.",
    ),
    "account-last-admin": (
        "{name} is the last active administrator of everything. Make another one first.",
        "{name} est le dernier administrateur actif de l’ensemble. Désignez-en d’abord un autre.",
    ),
    "account-linked": (
        "Another account belongs to that person of the provider already.",
        "Un autre compte appartient déjà à cette personne chez le fournisseur.",
    ),
    "account-self": (
        "You cannot change your own roles, disable or reset yourself: another administrator must.",
        "Vous ne pouvez ni changer vos propres rôles, ni vous désactiver, ni vous réinitialiser : un autre administrateur doit le faire.",
    ),
    "account-disabled": (
        "{name} is disabled; enable the account first.",
        "{name} est désactivé ; réactivez d’abord le compte.",
    ),
    "account-provider": (
        "{name} logs in through the company’s provider and has no password here.",
        "{name} se connecte par le fournisseur de l’entreprise et n’a pas de mot de passe ici.",
    ),
    "tokens-many": (
        "An account has at most {most} tokens. Revoke one first.",
        "Un compte a au plus {most} jetons. Révoquez-en un d’abord.",
    ),
    "token-unknown": (
        "You have no token {id}.",
        "Vous n’avez pas de jeton {id}.",
    ),
    "token-unread": (
        "Say what the token is for and what it may do, and give it 1 to 365 days.",
        "Dites à quoi sert le jeton et ce qu’il peut faire, et donnez-lui de 1 à 365 jours.",
    ),
    "account-unread": (
        "Something of that cannot be read: names have lower-case letters, digits, “.”, “_” and “-”; an e-mail address has an “@”.",
        "Une partie n’a pu être lue : les noms ont des minuscules, des chiffres, « . », « _ » et « - » ; une adresse a un « @ ».",
    ),
    "token-scope": (
        "There is no scope {scope}; there are: {scopes}.",
        "Il n’y a pas de portée {scope} ; il y a : {scopes}.",
    ),
    "oidc-away": (
        "The provider that you log in through does not answer. Try again later, or tell an administrator.",
        "Le fournisseur par lequel vous vous connectez ne répond pas. Réessayez plus tard, ou prévenez un administrateur.",
    ),
    "oidc-refused": (
        "The provider has not confirmed who you are, or you have begun in another browser. Log in again.",
        "Le fournisseur n’a pas confirmé votre identité, ou vous avez commencé dans un autre navigateur. Reconnectez-vous.",
    ),
    "oidc-late": (
        "Logging in has taken more than ten minutes. Log in again.",
        "La connexion a pris plus de dix minutes. Reconnectez-vous.",
    ),
    "oidc-role": (
        "None of your groups may do anything here. Ask an administrator to add you to one that may.",
        "Aucun de vos groupes n’a de droits ici. Demandez à un administrateur de vous ajouter à un groupe qui en a.",
    ),
    "oidc-disabled": (
        "Your account here is disabled. Ask an administrator.",
        "Votre compte ici est désactivé. Adressez-vous à un administrateur.",
    ),
    "oidc-other": (
        "Somebody else has logged in at the provider. Log in there as the one who is logged in here.",
        "Quelqu’un d’autre s’est connecté chez le fournisseur. Connectez-vous-y avec le même compte qu’ici.",
    ),
    "oidc-stale": (
        "The provider has not asked you anew who you are, so that nothing is confirmed.",
        "Le fournisseur ne vous a pas redemandé votre identité : rien n’est donc confirmé.",
    ),
}

say = saying(_TEXTS)
