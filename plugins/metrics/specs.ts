import { type RouteSpec, z } from "../../core/plugin.ts"
import { CONTENT_TYPE } from "./prometheus.ts"
import { answers, queries } from "./schemas.ts"

/** The routes as they are mounted and documented. */

const PATH = "/api/whatsapp/metrics"
const tag = "Metrics"

const operators = { method: "get", scope: "operator", company: "none", tag, errors: ["METRICS_DISABLED"] } as const

export const specs = {
  report: {
    ...operators,
    path: PATH,
    summary: "Counts of the whole server and of each company",
    description: "Of their whole life, or since the last reset.",
    responses: { 200: { description: "The counts", schema: answers.report } },
  },
  company: {
    ...operators,
    path: `${PATH}/{companyId}`,
    scope: "read",
    company: "path",
    summary: "Counts of a company",
    params: z.object({ companyId: z.string().openapi({ description: "The company", example: "company-123" }) }),
    responses: { 200: { description: "The counts", schema: answers.company } },
    errors: ["METRICS_DISABLED", "NOT_FOUND"],
  },
  companies: {
    ...operators,
    path: `${PATH}/companies/all`,
    scope: "read",
    summary: "Counts of each company",
    description: "A company's key sees its own company.",
    responses: { 200: { description: "The counts by company", schema: answers.companies } },
  },
  performance: {
    ...operators,
    path: `${PATH}/performance`,
    summary: "How long things take",
    description: "Of the latest 10,000 measurements of each kind, in milliseconds.",
    responses: { 200: { description: "The times", schema: answers.performance } },
  },
  timeseries: {
    ...operators,
    path: `${PATH}/timeseries`,
    summary: "A figure over time",
    description: "Sampled every `WHATSAPP_METRICS_INTERVAL` milliseconds and kept for 24 hours, over restarts.",
    query: queries.timeseries,
    responses: { 200: { description: "The samples, oldest first", schema: answers.timeseries } },
  },
  rate: {
    ...operators,
    path: `${PATH}/rate`,
    summary: "Messages sent and received in a time",
    query: queries.rate,
    responses: { 200: { description: "The rate", schema: answers.rate } },
  },
  export: {
    ...operators,
    path: `${PATH}/export`,
    summary: "All figures at once",
    responses: { 200: { description: "The figures", schema: answers.export } },
  },
  reset: {
    ...operators,
    method: "post",
    path: `${PATH}/reset`,
    summary: "Begin all counts anew",
    description:
      "Sets a new zero for the counts and times that these routes show, for all companies at once. What Prometheus reads never goes back, and neither do `uptime` and the samples that have been taken.",
    responses: { 200: { description: "What was done", schema: answers.reset } },
    errors: ["METRICS_DISABLED", "STORAGE_UNAVAILABLE"],
  },
  prometheus: {
    ...operators,
    path: "/metrics",
    summary: "All instruments, for Prometheus",
    description:
      "The first `WHATSAPP_METRICS_COMPANIES` companies have series of their own; the others add to `other`.",
    responses: { 200: { description: "The text format of Prometheus", schema: z.string(), contentType: CONTENT_TYPE } },
  },
} as const satisfies Readonly<Record<string, RouteSpec>>
