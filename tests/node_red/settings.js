// Node-RED as these tests run it: no editor, nothing told to anybody, and journeys for one user, whose password is "hush".
module.exports = {
  uiHost: "127.0.0.1",
  uiPort: Number(process.env.NODE_RED_PORT),
  httpAdminRoot: false,
  disableEditor: true,
  httpNodeAuth: { user: "pilote", pass: "$2b$08$Ctwy8/MMXiQmPjjhkuj.U.pRtsXqr0bc3LWeojsJ04vB7lQTCST3y" },
  telemetry: { enabled: false, updateNotification: false },
  externalModules: { autoInstall: false, palette: { allowInstall: false } },
  contextStorage: { default: { module: "localfilesystem", config: { flushInterval: 0 } } },
  logging: { console: { level: "info", metrics: false, audit: false } },
};
