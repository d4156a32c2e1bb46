<?php
// What Matomo's installer does in a browser: the tables, a person who may do everything, and one site.
define('PIWIK_DOCUMENT_ROOT', '/usr/share/matomo');
require_once PIWIK_DOCUMENT_ROOT . '/vendor_config.php';
require_once PIWIK_INCLUDE_PATH . '/core/bootstrap.php';

use Piwik\Access;
use Piwik\Config;
use Piwik\Db;
use Piwik\DbHelper;
use Piwik\Plugin\Manager;
use Piwik\Plugins\SitesManager\API as Sites;
use Piwik\Plugins\UsersManager\Model as Users;
use Piwik\Updater;
use Piwik\Version;

(new Piwik\Application\Environment(null))->init();
$database = Config::getInstance()->database;
Db::createDatabaseObject(array_merge($database, ['dbname' => null]));
Db::exec('CREATE DATABASE ' . $database['dbname'] . ' CHARACTER SET utf8mb4');
Db::destroyDatabaseObject();
DbHelper::createTables();
DbHelper::createAnonymousUser();
DbHelper::recordInstallVersion();
Access::getInstance();
Access::doAsSuperUser(function () {
    Manager::getInstance()->loadActivatedPlugins();
    Manager::getInstance()->installLoadedPlugins();
    $updater = new Updater();
    $updater->updateComponents($updater->getComponentUpdates());
    Updater::recordComponentSuccessfullyUpdated('core', Version::VERSION);
    $users = new Users();
    $now = date('Y-m-d H:i:s');
    $users->addUser('admin', password_hash(random_bytes(16), PASSWORD_BCRYPT), 'admin@example.org', $now);
    $users->setSuperUserAccess('admin', true);
    $users->addTokenAuth('admin', getenv('MATOMO_TOKEN'), 'tests', $now);
    echo Sites::getInstance()->addSite('Contacts', ['https://pilote.invalid']);
});
