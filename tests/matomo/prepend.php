<?php
// Debian's Matomo with its configuration and caches in a folder of the test's own.
define('PIWIK_USER_PATH', getenv('MATOMO_HOME'));
define('MATOMO_TMP_PATH', getenv('MATOMO_HOME') . '/tmp');
