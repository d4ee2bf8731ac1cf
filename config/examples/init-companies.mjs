// init-companies.mjs: begins the lines of several companies. Then show each its QR code: /api/whatsapp/sessions/<id>/qr
// SWITCHBOARD_URL=http://localhost:3000 WHATSAPP_API_KEY=… node config/examples/init-companies.mjs
const { SWITCHBOARD_URL = "http://localhost:3000", WHATSAPP_API_KEY } = process.env

const companies = [
  { id: "salon-1", name: "Beauty Salon 1" },
  { id: "salon-2", name: "Beauty Salon 2" },
  { id: "salon-3", name: "Beauty Salon 3" },
]

async function initializeCompanies() {
  for (const company of companies) {
    try {
      const response = await fetch(`${SWITCHBOARD_URL}/api/whatsapp/sessions/${company.id}/initialize`, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          ...(WHATSAPP_API_KEY ? { "X-API-Key": WHATSAPP_API_KEY } : {}),
        },
        body: JSON.stringify({
          usePairingCode: false,
        }),
      })

      if (response.ok) {
        console.log(`Initialized ${company.name}`)
      } else {
        console.error(`Failed to initialize ${company.name}`, await response.text())
        process.exitCode = 1
      }
    } catch (error) {
      console.error(`Error initializing ${company.name}:`, error)
      process.exitCode = 1
    }
  }
}

await initializeCompanies()
