variable "project_id" {
  description = "The project that everything is created in; one for each environment."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "environment" {
  description = "Which environment this is."
  type        = string

  validation {
    condition     = contains(["dev", "production"], var.environment)
    error_message = "The environment is dev or production."
  }
}

variable "domain" {
  description = "The name that clients reach the API under; its A record points at the output load_balancer_ip."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "The domain is a host name in lower case, without scheme and path."
  }
}

variable "mail_from" {
  description = "The sender of mails, as in the From header."
  type        = string

  validation {
    condition     = strcontains(var.mail_from, "@")
    error_message = "The sender holds an address."
  }
}

variable "model" {
  description = "An endpoint that speaks OpenAI's chat completions, its models for quick and for long answers, and how it is spoken to (shared/platform/models/presets.ts) where its address does not say."
  type = object({
    base_url = string
    fast     = string
    slow     = string
    preset   = optional(string, null)
  })

  validation {
    condition     = startswith(var.model.base_url, "https://")
    error_message = "The model is reached over https."
  }
}

variable "models" {
  description = "What is to be known of models, and models of other providers: entries as in shared/platform/models/catalog.ts. Functions that can't read one do not start."
  type        = any
  default     = []

  validation {
    condition     = alltrue([for entry in var.models : can(entry.id)])
    error_message = "Every entry has an id, by which settings and chats name the model."
  }

  validation {
    condition     = alltrue([for entry in var.models : contains(concat(["MODEL_API_KEY"], var.model_keys), try(entry.keyName, "MODEL_API_KEY"))])
    error_message = "The keyName of every entry is MODEL_API_KEY or stands in model_keys."
  }
}

variable "model_keys" {
  description = "The names of further secrets that hold keys of models; entries of models name them as keyName."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.model_keys : can(regex("^MODEL_API_KEY(_[A-Z0-9]+)+$", name))])
    error_message = "A name is MODEL_API_KEY_ and more in capitals and digits."
  }
}

variable "trace_ratio" {
  description = "The share of requests that are traced; failed ones are beyond it, and 0 traces none at all."
  type        = number
  default     = 0.1

  validation {
    condition     = var.trace_ratio >= 0 && var.trace_ratio <= 1
    error_message = "A share is between 0 and 1."
  }
}

variable "min_instances" {
  description = "Instances kept warm, by function; 0 for those that are not named."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for count in values(var.min_instances) : count >= 0 && count <= 100])
    error_message = "Between 0 and 100 instances are kept warm."
  }

  validation {
    condition     = alltrue([for name in keys(var.min_instances) : contains(keys(local.functions), name)])
    error_message = "Every name is that of a function in functions/manifest.json."
  }
}

variable "allowed_origins" {
  description = "The origins of web pages besides the own one that may load and store files directly in the bucket."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.allowed_origins : can(regex("^https://[^/*]+$", origin))])
    error_message = "An origin is https:// and a host, without path and wildcard."
  }
}

variable "clamd_address" {
  description = "host:port of ClamAV's daemon, which check-file asks about every file; null: nobody looks for viruses."
  type        = string
  default     = null

  validation {
    condition     = var.clamd_address == null || can(regex("^[0-9A-Za-z_.-]+:[0-9]{1,5}$", var.clamd_address))
    error_message = "An address is a host and a port, such as 127.0.0.1:3310."
  }
}

variable "scanner_image" {
  description = "The image of ClamAV's daemon, such as docker.io/clamav/clamav:1.4, to stand beside check-file in a container of the same service (docs/files.md); null: none. Each instance of check-file takes so much more of the quota."
  type        = string
  default     = null

  validation {
    condition     = var.scanner_image == null || var.clamd_address == null
    error_message = "The daemon stands beside check-file, or elsewhere."
  }
}

variable "database_id" {
  description = "The Firestore database that functions serve from: another one than (default) once it was restored (docs/runbooks/restore-from-backup.md)."
  type        = string
  default     = "(default)"

  validation {
    condition     = var.database_id == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.database_id))
    error_message = "A database is (default), or has 4 to 63 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "export_region" {
  description = "Where the daily export of the database is kept: another region than the database's."
  type        = string
  default     = "europe-west4"

  validation {
    condition     = var.export_region != local.region
    error_message = "What is kept for the loss of a region is kept in another one."
  }
}

variable "deletion_protection" {
  description = "Whether the database and the bucket of files refuse to be deleted."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "How long logs of functions are kept. They hold no text and no addresses."
  type        = number
  default     = 30

  validation {
    condition     = var.log_retention_days >= 1 && var.log_retention_days <= 3650
    error_message = "Cloud Logging keeps logs for 1 to 3650 days."
  }
}

variable "repository" {
  description = "The GitHub repository that Cloud Build is connected to, the branch that is deployed, and the number of the installation of Cloud Build's GitHub App (the end of its address in GitHub's settings)."
  type = object({
    owner               = string
    name                = string
    branch              = string
    app_installation_id = number
  })

  validation {
    condition     = var.repository.app_installation_id > 0
    error_message = "The number of the installation is positive."
  }
}

variable "alert_emails" {
  description = "Who is told of alerts by mail."
  type        = set(string)

  validation {
    condition     = length(var.alert_emails) > 0 && length(var.alert_emails) <= 4
    error_message = "Between 1 and 4 addresses: a budget takes five channels, one of which is Slack's."
  }

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "Every entry is an address."
  }
}

variable "slack_channel" {
  description = "The display name of the Slack channel in Cloud Monitoring, which is connected there by hand; null for none."
  type        = string
  default     = null
}

variable "budget" {
  description = "What the project may cost in a month, and the billing account that pays."
  type = object({
    billing_account = string
    currency        = string
    units           = number
  })

  validation {
    condition     = can(regex("^[0-9A-F]{6}(-[0-9A-F]{6}){2}$", var.budget.billing_account))
    error_message = "A billing account is of the form 012345-6789AB-CDEF01."
  }

  validation {
    condition     = can(regex("^[A-Z]{3}$", var.budget.currency)) && var.budget.units > 0
    error_message = "The budget is a positive amount in a currency of three letters."
  }
}

variable "thresholds" {
  description = "When people are woken; the defaults suit an app with some thousand people."
  type = object({
    requests_per_second_min = optional(number, 20)
    traffic_factor          = optional(number, 4)
    queue_age_seconds       = optional(number, 300)
    queue_depth             = optional(number, 5000)
    failed_logins_per_hour  = optional(number, 200)
    answers_failed_per_hour = optional(number, 20)
    search_entries          = optional(number, 50000)
  })
  default = {}

  validation {
    condition     = alltrue([for value in values(var.thresholds) : value > 0])
    error_message = "Every threshold is positive."
  }
}

variable "objectives" {
  description = "Service level objectives over 28 days."
  type = object({
    availability       = optional(number, 0.999)
    latency            = optional(number, 0.99)
    latency_max_millis = optional(number, 1000)
  })
  default = {}

  validation {
    condition     = alltrue([for goal in [var.objectives.availability, var.objectives.latency] : goal > 0.5 && goal < 1])
    error_message = "A goal is a share between 0.5 and 1."
  }
}

variable "armor" {
  description = "Requests that the load balancer lets through from one address in a minute: to sign in, and all others."
  type = object({
    sign_ins_per_minute = number
    requests_per_minute = number
  })
  default = {
    sign_ins_per_minute = 120
    requests_per_minute = 6000
  }
}

variable "deploy_approval" {
  description = "Whether somebody has to approve each rollout in Cloud Build before it begins."
  type        = bool
  default     = false
}
