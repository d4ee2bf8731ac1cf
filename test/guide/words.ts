/** What users have been told to type, and what they have been told to expect: in the words they have it in. */

/** Every variable of the tables, with its default as it is written there. */
export const SETTINGS: readonly (readonly [variable: string, byDefault: string])[] = [
  ["WHATSAPP_PROVIDER", "baileys"],
  ["WHATSAPP_MULTI_TENANT", "true"],
  ["WHATSAPP_MAX_SESSIONS", "1000"],
  ["DEFAULT_COMPANY_ID", "null"],

  ["WHATSAPP_SESSION_TTL", "3600000"],
  ["WHATSAPP_AUTH_STATE_TTL", "7200000"],
  ["WHATSAPP_CLEANUP_INTERVAL", "60000"],
  ["WHATSAPP_MAX_LISTENERS", "20"],

  ["WHATSAPP_MAX_RECONNECT_ATTEMPTS", "10"],
  ["WHATSAPP_RECONNECT_DELAY", "5000"],
  ["WHATSAPP_KEEPALIVE_INTERVAL", "30000"],
  ["WHATSAPP_CONNECTION_TIMEOUT", "60000"],
  ["WHATSAPP_USE_PAIRING_CODE", "false"],
  ["WHATSAPP_MAX_QR_ATTEMPTS", "3"],

  ["WHATSAPP_VALIDATE_WEBHOOKS", "true"],
  ["WHATSAPP_WEBHOOK_SECRET", "-"],
  ["WHATSAPP_ALLOWED_PHONE_PATTERN", "^[0-9]{10,15}$"],
  ["WHATSAPP_BLOCKED_NUMBERS", "-"],
  ["WHATSAPP_ENCRYPT_MESSAGES", "false"],
  ["WHATSAPP_ENCRYPTION_KEY", "-"],

  ["WHATSAPP_VALIDATE_COMPANY", "true"],
  ["WHATSAPP_COMPANY_ID_PATTERN", "^[a-zA-Z0-9_-]+$"],
  ["WHATSAPP_RATE_LIMIT_PER_COMPANY", "100"],
  ["WHATSAPP_RATE_LIMIT_WINDOW", "60000"],
  ["WHATSAPP_ISOLATE_AUTH", "true"],

  ["WHATSAPP_METRICS_ENABLED", "true"],
  ["WHATSAPP_METRICS_INTERVAL", "60000"],
  ["WHATSAPP_HEALTH_CHECK_ENABLED", "true"],
  ["WHATSAPP_HEALTH_CHECK_INTERVAL", "30000"],
  ["WHATSAPP_ALERTING_ENABLED", "false"],
  ["WHATSAPP_ALERT_WEBHOOK", "-"],
  ["WHATSAPP_ALERT_ERROR_RATE", "0.1"],
  ["WHATSAPP_ALERT_DISCONNECT_RATE", "0.2"],
  ["WHATSAPP_ALERT_MEMORY_MB", "500"],

  ["WHATSAPP_LOG_LEVEL", "info"],
  ["WHATSAPP_LOG_TO_FILE", "false"],
  ["WHATSAPP_LOG_PATH", "logs/whatsapp.log"],
  ["WHATSAPP_DEBUG_BAILEYS", "false"],
  ["WHATSAPP_DEBUG_SESSIONS", "false"],
]

/** What is pasted into a shell, by what it is for. */
export const SHELL = {
  quickStart: `# Enable multi-tenant mode
export WHATSAPP_MULTI_TENANT=true
export WHATSAPP_MAX_SESSIONS=1000

# Start the service
npm start`,

  singleTenant: `# Disable multi-tenant for single company
export WHATSAPP_MULTI_TENANT=false
export DEFAULT_COMPANY_ID=962302`,

  monitoring: `# Enable all monitoring features
export WHATSAPP_METRICS_ENABLED=true
export WHATSAPP_HEALTH_CHECK_ENABLED=true
export WHATSAPP_ALERTING_ENABLED=true
export WHATSAPP_ALERT_WEBHOOK=https://your-webhook.com/alerts

# Set thresholds
export WHATSAPP_ALERT_ERROR_RATE=0.05  # Alert at 5% error rate
export WHATSAPP_ALERT_MEMORY_MB=1000   # Alert at 1GB memory`,

  rateLimiting: `# Configure per-company rate limiting
export WHATSAPP_RATE_LIMIT_PER_COMPANY=100  # 100 messages
export WHATSAPP_RATE_LIMIT_WINDOW=60000      # per minute`,

  blocking: `# Block specific numbers
export WHATSAPP_BLOCKED_NUMBERS=79001234567,79009999999`,

  webhooks: `# Enable webhook validation
export WHATSAPP_VALIDATE_WEBHOOKS=true
export WHATSAPP_WEBHOOK_SECRET=your-secret-key-here`,

  debugging: `# Enable debug logging
export WHATSAPP_LOG_LEVEL=debug
export WHATSAPP_DEBUG_SESSIONS=true
export WHATSAPP_DEBUG_BAILEYS=true`,

  fromSingleToMulti: `# Enable multi-tenant
export WHATSAPP_MULTI_TENANT=true
unset DEFAULT_COMPANY_ID`,

  envFile: `# Create .env file
cat > .env << EOF
WHATSAPP_MULTI_TENANT=true
WHATSAPP_MAX_SESSIONS=100
# ... other settings
EOF`,

  checkHealth: `# Check system health
curl http://localhost:3000/api/whatsapp/health/metrics`,

  dashboard: `# View real-time metrics
curl http://localhost:3000/api/whatsapp/metrics/export | jq .

# Monitor specific company
curl http://localhost:3000/api/whatsapp/metrics/company-123 | jq .

# Check alerts
curl http://localhost:3000/api/whatsapp/metrics/alerts | jq .`,
} as const

/** The table of endpoints. */
export const ENDPOINTS: readonly (readonly [endpoint: string, description: string])[] = [
  ["GET /api/whatsapp/metrics", "Global metrics"],
  ["GET /api/whatsapp/metrics/:companyId", "Company metrics"],
  ["GET /api/whatsapp/metrics/companies/all", "All companies"],
  ["GET /api/whatsapp/metrics/performance", "Performance stats"],
  ["GET /api/whatsapp/metrics/timeseries", "Time series data"],
  ["GET /api/whatsapp/metrics/rate", "Message rate"],
  ["GET /api/whatsapp/metrics/alerts", "Check alerts"],
  ["GET /api/whatsapp/health/metrics", "Health with metrics"],
]

/** The answer of `GET /api/whatsapp/metrics/company-123`. */
export const COMPANY_METRICS = {
  success: true,
  metrics: {
    companyId: "company-123",
    uptime: 3600000,
    messages: { sent: 150, received: 200, failed: 5 },
    errors: { total: 5, rate: "3.33%" },
  },
}

/** What stands under `metrics` in `GET /api/whatsapp/metrics`; of each company, its own metrics. */
export const METRICS_STRUCTURE = {
  global: {
    messagesSent: 1000,
    messagesReceived: 1500,
    sessions: { active: 25, connections: 30, disconnections: 5 },
    errors: { total: 10, rate: "0.4%", breakdown: { TIMEOUT: 5, NETWORK: 3, AUTH: 2 } },
  },
  companies: { "company-123": {}, "company-456": {} },
}

/** The headlines of what may go wrong, which are the messages of the answers. */
export const TROUBLES = {
  noCompany: "Company ID is required in multi-tenant mode",
  badCompany: "Invalid company ID format",
  tooMany: "Rate limit exceeded",
  noSession: "No active session for company",
} as const
