# A new project may run 20 vCPU in a region. Cloud Run refuses a service whose instances alone would take
# more, and starts no instance when all services together have come so far. So the sum is held here.
locals {
  # The manifest says how many may ever be of use, the environment how many there may be.
  instances = { for name, spec in local.functions : name => min(spec.maxInstances, lookup(var.max_instances, name, 1)) }
  cpus      = { for name, spec in local.functions : name => try(spec.cpu, 1) }

  # What an instance takes, with what stands beside the function.
  taken = {
    for name, spec in local.functions : name => {
      vcpu       = local.cpus[name] + try(local.scanners[name].cpu, 0)
      memory_mib = spec.memoryMiB + try(local.scanners[name].memory_mib, 0)
    }
  }

  # A revision that is tried out has no traffic, and is not counted among the instances of its service. One
  # function is tried out at a time.
  tried_out = {
    vcpu       = max([for taken in values(local.taken) : taken.vcpu]...)
    memory_mib = max([for taken in values(local.taken) : taken.memory_mib]...)
  }

  quota_needed = {
    vcpu       = ceil(sum([for name, count in local.instances : count * local.taken[name].vcpu]) + local.tried_out.vcpu)
    memory_gib = ceil((sum([for name, count in local.instances : count * local.taken[name].memory_mib]) + local.tried_out.memory_mib) / 1024)
  }
}

variable "max_instances" {
  description = "Instances that there may be, by function, and not more than functions/manifest.json allows; 1 for those that are not named."
  type        = map(number)
  default     = { api = 2 }

  validation {
    condition     = alltrue([for count in values(var.max_instances) : count >= 1])
    error_message = "There may be at least 1 instance of a function."
  }

  validation {
    condition     = alltrue([for name in keys(var.max_instances) : contains(keys(local.functions), name)])
    error_message = "Every name is that of a function in functions/manifest.json."
  }

  validation {
    condition     = alltrue([for name, count in var.min_instances : count <= lookup(var.max_instances, name, 1)])
    error_message = "No more instances are kept warm than there may be."
  }
}

variable "quota" {
  description = "What Cloud Run may take in the region (Console, IAM & Admin, Quotas: run.googleapis.com/cpu_allocation, mem_allocation)."
  type = object({
    vcpu       = optional(number, 20)
    memory_gib = optional(number, 40)
  })
  default = {}

  validation {
    condition     = local.quota_needed.vcpu <= var.quota.vcpu && local.quota_needed.memory_gib <= var.quota.memory_gib
    error_message = "All instances together take ${local.quota_needed.vcpu} vCPU and ${local.quota_needed.memory_gib} GiB, more than the quota. Lower max_instances; or ask Google for a larger quota, and write it here once it is granted."
  }
}
