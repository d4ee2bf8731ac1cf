// pm2 start config/pm2/ecosystem.config.cjs && pm2 save
//
// Settings belong into .env beside package.json, which is read at every start: then `pm2 restart ai-admin-api` is enough.
// PM2 keeps the environment of its first start; what has been exported since takes `pm2 restart … --update-env`.
const { resolve } = require("node:path")

module.exports = {
  apps: [
    {
      name: "ai-admin-api",
      cwd: resolve(__dirname, "../.."),
      script: "config/start.mjs",
      // One process owns a data folder and runs its lines. Cluster mode would start several of them: all but one would end
      // at once, and PM2 would start them again for ever. More companies than one process holds go to another server.
      exec_mode: "fork",
      instances: 1,
      // The server finishes what it is doing, in 10 s at most; PM2's own 1.6 s would cut it off.
      kill_timeout: 15_000,
      exp_backoff_restart_delay: 500,
      // The data folder is below cwd and changes all the time.
      watch: false,
      env: { NODE_ENV: "production" },
    },
  ],
}
