#!/bin/bash
# setup-multi-tenant.sh: starts the server for many companies, from wherever it is called.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Core settings
export WHATSAPP_MULTI_TENANT=true
export WHATSAPP_MAX_SESSIONS=500
export WHATSAPP_PROVIDER=baileys

# Security
export WHATSAPP_VALIDATE_COMPANY=true
export WHATSAPP_COMPANY_ID_PATTERN="^[a-zA-Z0-9_-]+$"
export WHATSAPP_VALIDATE_WEBHOOKS=true
# Made once and kept, since other systems sign their calls with it; .env is read at every start.
if ! grep -qs '^WHATSAPP_WEBHOOK_SECRET=.' .env; then
  (umask 077 && echo "WHATSAPP_WEBHOOK_SECRET=$(openssl rand -hex 32)" >> .env)
fi

# Rate limiting
export WHATSAPP_RATE_LIMIT_PER_COMPANY=100
export WHATSAPP_RATE_LIMIT_WINDOW=60000

# Monitoring
export WHATSAPP_METRICS_ENABLED=true
export WHATSAPP_HEALTH_CHECK_ENABLED=true
export WHATSAPP_ALERT_ERROR_RATE=0.05

# Logging
export WHATSAPP_LOG_LEVEL=info
export WHATSAPP_LOG_TO_FILE=true

# Start service
exec npm start
